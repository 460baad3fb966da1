import type { ConnectionState } from '../connection-state.ts'
import type { BranchView, ChatParts, ChatView, Presence } from '../parts/chat-parts.ts'
import { inPieces, type TextForm, type TextInPieces } from '../parts/growing.ts'
import type { MessageParts } from '../parts/message-parts.ts'
import type { MessageOutline } from '../parts/outline.ts'
import type { Part } from '../parts/part.ts'
import type { Block, GrowingField } from '../../shared/schema.ts'
import { connecting } from './provided.ts'
import { useProvided } from './provider.ts'
import { useEffect, useMemo, useRef, useSyncExternalStore } from './react.ts'
import { chatOf, messageOf } from './stores.ts'

/** A part as it is now; `first`: as a server has rendered it. */
export function usePart<Snapshot>(part: Part<Snapshot>, first: () => Snapshot): Snapshot {
  return useSyncExternalStore(part.subscribe, part.getSnapshot, first)
}

/** The state of the connection to the server. */
export function useConnection(): ConnectionState {
  return usePart(useProvided().connection, () => connecting)
}

/** A part of a chat, and the whole chat. */
function useChatPart<Snapshot>(chatId: string, part: (chat: ChatParts) => Part<Snapshot>): [Snapshot, ChatParts] {
  const provided = useProvided()
  const chat = useMemo(() => chatOf(provided, chatId), [provided, chatId])
  return [usePart(part(chat), () => part(chatOf(provided, chatId, true)).getSnapshot()), chat]
}

/** A chat: its fields, all its messages, what this user may do. Who types in it renders nothing here. */
export function useChat(chatId: string): ChatView {
  return useChatPart(chatId, (parts) => parts.chat)[0]
}

export interface ShownBranch extends BranchView {
  /** Shows the branch that contains this message, even if the message has not arrived yet. */
  readonly choose: (messageId: string) => void
  /** Hides this message and everything that answers it until the returned function is called. */
  readonly hide: (messageId: string) => () => void
}

/** The branch of a chat that this client shows: the same one in all components below a provider. */
export function useBranch(chatId: string): ShownBranch {
  const [shown, { choose, hide }] = useChatPart(chatId, (parts) => parts.branch)
  return useMemo(() => ({ ...shown, choose, hide }), [shown, choose, hide])
}

/** Who else has a chat open. `state` is what this client tells the others about itself; null or absent: nothing. */
export function usePresence(chatId: string, state?: object | null): Presence {
  const [presence, chat] = useChatPart(chatId, (parts) => parts.presence)
  const key = useRef({}).current
  const said = state ? JSON.stringify(state) : null
  // A new state replaces the last one without this client seeming to leave and return.
  useEffect(() => chat.say(key, said === null ? null : (JSON.parse(said) as object)), [chat, key, said])
  useEffect(() => () => chat.say(key, null), [chat, key])
  return presence
}

/** `names` and what `find` looks at are the same thing. */
function useMessagePart<Snapshot>(
  messageId: string,
  names: readonly unknown[],
  find: (message: MessageParts) => Part<Snapshot>,
): Snapshot {
  const provided = useProvided()
  const part = useMemo(() => find(messageOf(provided, messageId)), [provided, messageId, ...names])
  return usePart(part, () => find(messageOf(provided, messageId, true)).getSnapshot())
}

/** An answer without its growing texts: its fields and the list of its blocks. Renders when a field changes or a block is added. */
export function useMessage(messageId: string): MessageOutline {
  return useMessagePart(messageId, [], (message) => message)
}

/** One block of an answer with its current text; null while it does not exist. */
export function useBlock(messageId: string, blockId: string): Block | null {
  return useMessagePart(messageId, [blockId], (message) => message.block(blockId))
}

/** The text of a block as finished pieces and one open piece. A finished piece stays the same object forever. */
export function useBlockText(messageId: string, blockId: string, field: GrowingField = 'text'): TextInPieces {
  return useGrowingText(messageId, blockId, field, inPieces)
}

/** The same in another form, such as Markdown. */
export function useGrowingText<Shown>(
  messageId: string,
  blockId: string,
  field: GrowingField,
  form: TextForm<Shown>,
): Shown {
  return useMessagePart(messageId, [blockId, field, form], (message) => message.text(blockId, field, form))
}
