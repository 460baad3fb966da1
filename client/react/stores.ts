import { ChatParts } from '../parts/chat-parts.ts'
import { MessageParts } from '../parts/message-parts.ts'
import type { Provided } from './provided.ts'

/** The same one for all who ask, as long as it is used. */
export function messageOf(provided: Provided, id: string): MessageParts {
  return provided.kept(
    `message ${id}`,
    () =>
      new MessageParts((isFollowed) => provided.find(isFollowed)?.message(id) ?? null, provided.initial.messages?.[id]),
  )
}

/** As a server has rendered it. */
export function firstMessageOf(provided: Provided, id: string): MessageParts {
  return provided.once(`message ${id}`, () => new MessageParts(() => null, provided.initial.messages?.[id]))
}

export function chatOf(provided: Provided, id: string): ChatParts {
  return provided.kept(
    `chat ${id}`,
    () => new ChatParts((isFollowed) => provided.find(isFollowed)?.chat(id) ?? null, provided.initial.chatsById?.[id]),
  )
}

export function firstChatOf(provided: Provided, id: string): ChatParts {
  return provided.once(`chat ${id}`, () => new ChatParts(() => null, provided.initial.chatsById?.[id]))
}
