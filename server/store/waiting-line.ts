/** What becomes of a line of waiting messages: the same in every store, which reads and writes it in one transaction. */
import { randomBytes } from 'node:crypto'
import { RunnelError } from '../../shared/errors.ts'
import { isTerminal, type MessageStatus } from '../../shared/schema.ts'
import type { Place, Taking, WaitingChange, WaitingLine, WaitingMessage } from './waiting-rows.ts'

/** Of all messages of a line as JSON: whoever asks what is next reads them all. One that is alone may have more. */
const maxLineChars = 2_000_000

/** Those that are sent when their turn comes. */
export function openMessages(line: WaitingLine | null): WaitingMessage[] {
  return (line?.messages ?? []).filter(({ refused }) => refused === null)
}

/** A message more. `running`: the newest answer of the chat that is being written; null where neither that nor a line is there: nothing waits. Throws `too_large`. */
export function joined(
  line: WaitingLine | null,
  message: Omit<WaitingMessage, 'refused'>,
  first: boolean,
  running: string | null,
): WaitingLine | null {
  const isOpen = openMessages(line).length > 0
  if (!isOpen && running === null) return null
  const { messages = [], listed = null } = line ?? {}
  const added = { ...message, refused: null }
  refuseSize([...messages, added])
  return {
    chatId: message.chatId,
    after: isOpen ? line!.after : running,
    version: newVersion(),
    listed,
    messages: first ? [added, ...messages] : [...messages, added],
  }
}

/** `standing`: what would be answered if it were said now. Throws `bad_request` for a place beside one that is not there, `too_large`. */
export function changed(
  line: WaitingLine,
  id: string,
  { said, refused, place }: WaitingChange,
  standing: string | null,
): WaitingLine | null {
  const message = line.messages.find((other) => other.id === id)
  if (!message) return null
  // A line in which nobody was to be sent has waited for nothing: it begins anew where the chat is now.
  const after = refused === null && openMessages(line).length === 0 ? standing : line.after
  const next = { ...message, ...(said !== undefined && { said }), ...(refused !== undefined && { refused }) }
  const messages = line.messages.map((other) => (other === message ? next : other))
  if (said !== undefined) refuseSize(messages)
  return { ...line, after, version: newVersion(), messages: place ? moved(messages, next, place) : messages }
}

function refuseSize(messages: readonly WaitingMessage[]): void {
  if (messages.length < 2) return
  const chars = messages.reduce((sum, { said }) => sum + JSON.stringify(said).length, 0)
  if (chars > maxLineChars)
    throw new RunnelError(
      'too_large',
      `The messages that wait in this chat would have more than ${maxLineChars} characters together; wait for one or remove one.`,
    )
}

function moved(messages: readonly WaitingMessage[], message: WaitingMessage, place: Place): WaitingMessage[] {
  const others = messages.filter((other) => other !== message)
  if (place === 'first') return [message, ...others]
  const beside = 'before' in place ? place.before : place.after
  const index = others.findIndex(({ id }) => id === beside)
  if (index < 0)
    throw new RunnelError('bad_request', 'before, after: there is no other waiting message of this id in this chat.')
  return others.toSpliced('before' in place ? index : index + 1, 0, message)
}

export function withoutOne(line: WaitingLine, id: string): WaitingLine | null {
  const messages = line.messages.filter((message) => message.id !== id)
  return messages.length < line.messages.length ? { ...line, version: newVersion(), messages } : null
}

/** The line behind the first one, which is answered by `answer`; null where it is another line by now, or another's turn. */
export function taken(line: WaitingLine | null, { id, version }: Taking, answer: string): WaitingLine | null {
  if (line?.version !== version || openMessages(line)[0]?.id !== id) return null
  return { ...withoutOne(line, id)!, after: answer }
}

/** Messages were deleted, and what the line waits for was among them: it goes on where they branched off. */
export function passedOn(line: WaitingLine, deleted: readonly string[], parentId: string | null): WaitingLine | null {
  if (line.after === null || !deleted.includes(line.after)) return null
  return { ...line, after: parentId, version: newVersion() }
}

/** Whether the first of a line may be taken. `after`: the status of what it waits for; undefined where that is not there. */
export function isReady(after: MessageStatus | undefined, isHeld: boolean): boolean {
  return !isHeld && (after === undefined || isTerminal(after))
}

/** Throws `rate_limited` where so many wait already. */
export function refuseWaiting(
  ofChat: number,
  ofUser: number,
  { maxOfChat, maxOfUser }: Record<'maxOfChat' | 'maxOfUser', number>,
): void {
  if (ofChat >= maxOfChat)
    throw new RunnelError(
      'rate_limited',
      `${maxOfChat} messages wait in this chat already; wait for one or remove one (RUNNEL_MAX_WAITING_PER_CHAT).`,
    )
  if (ofUser >= maxOfUser)
    throw new RunnelError(
      'rate_limited',
      `${maxOfUser} of your messages wait already; wait for one or remove one (RUNNEL_MAX_WAITING_PER_USER).`,
    )
}

function newVersion(): string {
  return randomBytes(9).toString('base64url')
}
