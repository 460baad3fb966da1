import type { MessageStatus } from '@runnel/client'

/** What each kind of block is given. */
export interface BlockProps {
  messageId: string
  blockId: string
  /** Of the message. */
  status: MessageStatus
  mayWrite: boolean
}
