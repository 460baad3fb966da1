import type { TextMarks } from '@runnel/client/react/markdown'

/** Names the text to show. */
export interface BlockText {
  messageId: string
  blockId: string
  className?: string
  /** What stands at places of it, with all of it so far. */
  marks?: TextMarks | undefined
  text?: string | undefined
}
