import type { Request } from 'express'
import type { Identity } from '../../auth/auth.ts'
import { newLineage } from '../../room/rooms.ts'
import type { ChatRow } from '../../store/store.ts'
import { newId } from '../../task/ids.ts'
import type { Services } from '../services.ts'

/** An unlisted chat lives for a day. */
const unlistedMs = 24 * 3_600_000

const maxTitleChars = 60

export const chatHeader = 'X-Runnel-Chat-Id'

/** The chat that a request names; null for one that names none. Throws `not_found`, `forbidden`. */
export async function namedChat(request: Request, identity: Identity, { access }: Services): Promise<ChatRow | null> {
  const id = request.get(chatHeader)
  return id === undefined ? null : (await access.chat(identity, id, 'editor')).chat
}

/** A chat for one answer: in no list, gone after a day. */
export async function makeUnlistedChat(
  { user }: Identity,
  title: string,
  { store, now, maxUnlistedChats }: Services,
): Promise<ChatRow> {
  const createdAt = now()
  const chat: ChatRow = { id: newId('chat'), ownerId: user.id, title, createdAt, expiresAt: createdAt + unlistedMs }
  await store.createChat({ ...chat, system: null, ownerName: user.name }, newLineage(), undefined, maxUnlistedChats)
  return chat
}

export function titleOf(question: string): string {
  const line = question.trim().split('\n', 1)[0]!.slice(0, maxTitleChars).toWellFormed()
  return line === '' ? 'API request' : line
}
