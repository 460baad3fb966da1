import * as Y from 'yjs'
import type { ChatMessage } from '../../client/index.ts'
import { chatMessages } from '../../shared/schema.ts'

export function message(id: string, parentId: string | null, createdAt: number): ChatMessage {
  return { id, parentId, createdAt, role: 'user', status: 'completed' }
}

/** q1 ─ a1 ─ q2 ─ a2, and q2 asked anew as q3 ─ a3; a1 was made anew as a1b. */
export const tree = [
  message('q1', null, 1),
  message('a1', 'q1', 1),
  message('q2', 'a1', 3),
  message('a2', 'q2', 3),
  message('q3', 'a1', 5),
  message('a3', 'q3', 5),
  message('a1b', 'q1', 4),
]

/** Writes a message into a chat's document. */
export function say(doc: Y.Doc, id: string, parentId: string | null, createdAt: number): void {
  chatMessages(doc).set(id, new Y.Map(Object.entries({ role: 'user', parentId, createdAt, status: 'completed' })))
}
