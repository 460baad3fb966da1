/** Chats as lists show them. */
import type { Json } from '../../shared/schema.ts'
import type { Identity } from '../auth/auth.ts'
import { snippetOf } from '../store/snippet.ts'
import { searchableText } from '../store/searchable.ts'
import type { ChatRow, FoundChat, ListedChat, Paged, StoredChat } from '../store/store.ts'
import { maxPageBytes } from './page-query.ts'
import type { Services } from './services.ts'

type Shown = Record<string, Json>

export function shown({ id, title, system, createdAt }: StoredChat): Shown {
  return { id, title, createdAt, ...(system !== null && { system }) }
}

function listed(chat: ListedChat): Shown {
  const { role, activeAt, readAt, running, waiting } = chat
  return {
    ...shown(chat),
    role,
    activeAt,
    readAt,
    unread: activeAt > (readAt ?? 0),
    running,
    waiting,
    waitingForMe: waiting && role !== 'viewer',
  }
}

export function listedPage({ items, nextCursor }: Paged<ListedChat>): Paged<Shown> {
  return { items: items.map(listed), nextCursor }
}

/** With the place of each. The texts of a page are read in one call, as many as fit into a page: the snippets of the others are empty. */
export async function foundPage(
  query: string,
  { items, nextCursor }: Paged<FoundChat>,
  { store }: Pick<Services, 'store'>,
): Promise<Paged<Shown>> {
  const ids = items.flatMap(({ messageId }) => messageId ?? [])
  const said = ids.length > 0 ? await store.getSaid(ids, maxPageBytes) : []
  const texts = new Map(said.map(({ id, json }) => [id, json ? searchableText(json) : '']))
  const found: Shown[] = []
  for (const chat of items) {
    const { messageId, title } = chat
    const snippet = await snippetOf(messageId === null ? title : (texts.get(messageId) ?? ''), query)
    found.push({ ...listed(chat), match: { messageId, snippet: snippet.map((part) => ({ ...part })) } })
  }
  return { items: found, nextCursor }
}

/** Who came by a link alone sees what is said, and not what the model was told before. */
export async function shownTo(
  { user, invite }: Identity,
  chat: ChatRow,
  { store }: Pick<Services, 'store'>,
): Promise<Shown> {
  const { system, model, params } = await store.getDefaults(chat.id)
  const isPinned = !invite && (await store.pinnedChats(user.id)).includes(chat.id)
  return {
    ...shown({ ...chat, system: invite ? null : system }),
    ...(model !== null && { model }),
    ...(params && !invite && { params }),
    ...(isPinned && { pinned: true }),
  }
}
