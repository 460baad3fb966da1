import type { TextMarks } from '@runnel/client/react/markdown'

/** Which text is shown. */
export interface BlockText {
  messageId: string
  blockId: string
  className?: string
  /** What stands at places of it, with all of it so far. */
  marks?: TextMarks | undefined
  text?: string | undefined
}
