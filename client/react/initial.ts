import * as Y from 'yjs'
import type { Api } from '../api.ts'
import type { ListedChat, Page } from '../api-types.ts'
import type { FirstChat } from '../parts/chat-parts.ts'
import { branch, treeOrder, type ChatMessage } from '../tree.ts'
import { readChat, type ChatFields, type Message } from '../../shared/schema.ts'

/** What a page shows before live data arrives: plain JSON that `readInitialState` makes on a server, for the provider. */
export interface InitialState {
  readonly chats?: Page<ListedChat>
  /** By id. */
  readonly chatsById?: Readonly<Record<string, FirstChat>>
  /** Answers by id, as of then. */
  readonly messages?: Readonly<Record<string, Message>>
}

export interface InitialQuery {
  /** The list of chats: its first page. */
  chats?: boolean | undefined
  /** A chat, with the last answers of its newest branch. */
  chatId?: string | undefined
  /** How many messages of that branch; default 20. */
  limit?: number | undefined
}

/** Reads what a page should show at once. It follows nothing and leaves nothing open. Throws the server's errors. */
export async function readInitialState(
  { api }: { api: Pick<Api, 'listChats' | 'getChatState' | 'getMessages'> },
  { chats = false, chatId, limit = 20 }: InitialQuery,
): Promise<InitialState> {
  const [list, chat] = await Promise.all([
    chats ? api.listChats() : undefined,
    chatId === undefined ? undefined : api.getChatState(chatId),
  ])
  if (chatId === undefined || !chat) return { ...(list && { chats: list }) }
  const first = readState(chat.update)
  const leaf = branch(first.messages).at(-1)
  const last = leaf === undefined ? [] : (await api.getMessages(chatId, { order: 'desc', leaf, limit })).items
  const role = list?.items.find(({ id }) => id === chatId)?.role ?? null
  return {
    ...(list && { chats: list }),
    chatsById: { [chatId]: { ...first, role } },
    messages: Object.fromEntries(
      last.filter(({ role }) => role === 'assistant').map((message) => [message.id, message]),
    ),
  }
}

function readState(update: Uint8Array): { chat: ChatFields; messages: ChatMessage[] } {
  const doc = new Y.Doc()
  Y.applyUpdate(doc, update)
  const { chat, messages } = readChat(doc)
  doc.destroy()
  return { chat, messages: treeOrder(Object.entries(messages).map(([id, entry]) => ({ ...entry, id }))) }
}
