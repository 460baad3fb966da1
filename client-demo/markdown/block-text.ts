/** Which text is shown. */
export interface BlockText {
  messageId: string
  blockId: string
  className?: string
}
