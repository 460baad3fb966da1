import type { MessageStatus } from '@runnel/client'

/** The props that every kind of block gets. */
export interface BlockProps {
  messageId: string
  blockId: string
  /** The status of the message. */
  status: MessageStatus
  mayWrite: boolean
}
