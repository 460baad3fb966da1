import { ChatParts } from '../parts/chat-parts.ts'
import { MessageParts } from '../parts/message-parts.ts'
import type { Provided } from './provided.ts'

/** The same one for all who ask, as long as it is used. `isFirst`: as a server has rendered it. */
export function messageOf(provided: Provided, id: string, isFirst?: boolean): MessageParts {
  const find = (isFollowed: boolean) => provided.find(isFollowed)?.message(id) ?? null
  const make = () => new MessageParts(isFirst ? () => null : find, provided.initial.messages?.[id])
  return provided.kept(`message ${id} ${isFirst}`, make)
}

export function chatOf(provided: Provided, id: string, isFirst?: boolean): ChatParts {
  const find = (isFollowed: boolean) => provided.find(isFollowed)?.chat(id) ?? null
  const make = () => new ChatParts(isFirst ? () => null : find, provided.initial.chatsById?.[id])
  return provided.kept(`chat ${id} ${isFirst}`, make)
}
