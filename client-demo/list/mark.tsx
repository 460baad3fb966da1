import type { ListedChat } from '@runnel/client'
import { useWords } from '../words/words.ts'

export type MarkKind = 'waits' | 'runs' | 'unread'

/** The mark of a chat in the list: only the most important one is shown. */
export function markOf({ waitingForMe, running, unread }: ListedChat, isRead: boolean): MarkKind | null {
  if (waitingForMe) return 'waits'
  if (running) return 'runs'
  return unread && !isRead ? 'unread' : null
}

/** A dot, with its meaning in words for screen readers. */
export function Mark({ kind }: { kind: MarkKind }) {
  const words = useWords().list
  return (
    <span className={`mark ${kind}`} title={words[kind]} data-testid="mark" data-mark={kind}>
      <span className="visually-hidden">{words[kind]}</span>
    </span>
  )
}
