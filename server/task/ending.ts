import { isRunnelError } from '../../shared/errors.ts'
import { lostEndOf } from '../../shared/known-types.ts'
import * as schema from '../../shared/schema.ts'
import type { Message, MessageFields, TerminalStatus } from '../../shared/schema.ts'
import { MessageWriter } from '../document/message-writer.ts'
import type { Room } from '../room/room.ts'
import type { Rooms } from '../room/rooms.ts'
import type { Continuation, MessageRow, ProviderData, RunEnd, Store } from '../store/store.ts'
import type { ChatDocuments } from './chat-documents.ts'
import type { Ends } from './ends.ts'
import { savingBackOff } from '../waiting/patience.ts'
import { backOff, pause } from '../waiting/retry.ts'

/** What ending a message needs. */
export interface EndingOptions {
  rooms: Rooms
  store: Store
  chats: ChatDocuments
  now: () => number
  /** Who tells of ends; null: nobody wants to know. */
  ends: Ends | null
  /** This process: what is another's by now, it leaves alone. */
  node: string
  onError: (error: unknown, context: { messageId: string }) => void
}

/** A run whose terminal status is in the log, with what is left to be saved. */
export interface Ending extends RunEnd {
  chatId: string
  /** Pinned; unpinned when all is saved. */
  room: Room
  epoch: number
  providerData: readonly ProviderData[]
  /** The run that goes on with it. */
  next?: Continuation
}

/** A message that this process writes from now on. */
export interface Taken {
  /** Pinned. */
  room: Room
  epoch: number
}

/** A new epoch for a message whose room is pinned; where that fails it is unpinned. Throws `not_found`, `store_unavailable`. */
export async function takeUp({ rooms, store }: Pick<EndingOptions, 'rooms' | 'store'>, room: Room): Promise<number> {
  return await orUnpin(rooms, room, async () => {
    const epoch = await store.drawEpoch(room.id)
    await rooms.following.takeUp(room, epoch)
    return epoch
  })
}

/** On the way of a room that is pinned: where this step fails nobody has the room any more. */
export async function orUnpin<T>(rooms: Rooms, room: Room, step: () => Promise<T>): Promise<T> {
  try {
    return await step()
  } catch (error) {
    rooms.unpin(room)
    throw error
  }
}

/** Takes the document of a message up that its run left: what it says now nobody changes any more. Throws as `takeUp`. */
export async function takeUpLeft(options: Pick<EndingOptions, 'rooms' | 'store'>, { id }: MessageRow): Promise<Taken> {
  const room = await options.rooms.open(id)
  if (!room) throw new Error(`The message ${id} has no document.`)
  return { room, epoch: await takeUp(options, room) }
}

/**
 * Ends a message that its run left (a crash, a store that was away): closes
 * what is open, writes the status. A terminal status that the log has already
 * stays.
 */
export async function endMessage(
  { rooms, now }: Pick<EndingOptions, 'rooms' | 'now'>,
  row: MessageRow,
  { room, epoch }: Taken,
  status: TerminalStatus,
  fields: Partial<Pick<MessageFields, 'error' | 'stoppedBy'>> = {},
): Promise<Ending> {
  const writer = new MessageWriter(room.doc, epoch)
  rooms.attach(room, writer)
  const message = schema.readMessage(room.doc)
  const endedAt = now()
  // The run was lost before its first flush: the document is still empty.
  if (message.id === undefined) {
    const { id, chatId, parentId, createdAt, taskId } = row
    writer.setMessage({
      id,
      chatId,
      parentId,
      role: 'assistant',
      createdAt,
      schema: schema.schemaVersion,
      ...(taskId !== null && { taskId }),
    })
  }
  if (message.status === undefined || !schema.isTerminal(message.status)) {
    for (const block of message.output) {
      const end = lostEndOf(block, { status, at: endedAt, wasWaiting: message.status === 'waiting' })
      if (end) writer.closeBlock(block.id, end.status, end.fields)
    }
    writer.setMessage({ status, endedAt, ...fields })
  }
  await new Promise<void>((written) => rooms.flusher.flushNow(room, written))
  return { messageId: row.id, taskId: row.taskId ?? '', chatId: row.chatId, room, epoch, providerData: [] }
}

/**
 * Saves a run that has ended: in the store first, whose answer says whether it
 * is this run's to end at all; then the chat lists it. A crash in between is
 * noted there, and seen to by `Unlisted`. Waits for a store that is away; null
 * if the process ends before.
 */
export async function saveEnd(options: EndingOptions, ending: Ending, closed: () => boolean): Promise<Message | null> {
  const { rooms, store, ends } = options
  const { messageId, taskId, room, epoch, providerData, next } = ending
  try {
    const message = (await room.read()) as Message
    // Both of this run: one that goes on with the message may write here before a try comes through.
    const state = await room.state()
    for (let failures = 1; ; failures += 1) {
      try {
        const end = await store.endRun({
          message,
          taskId,
          epoch,
          ...state,
          providerData,
          tell: ends !== null,
          ...(next && { next }),
        })
        if (end === 'gone') await unlist(options, message.chatId, [messageId, message.parentId])
        else if (ends && (end === 'ended' || (await isToTell(options, ending)))) ends.add({ messageId, taskId })
        if (end === 'gone' || end === 'not current') return message
        // It is in the store now: what fails here goes by itself, later.
        rooms.following.release(messageId, epoch).catch(() => {})
        // What goes on at once is listed as that.
        if (!next) await listEnd(options, message, taskId)
        return message
      } catch (error) {
        // Only a store that is away is worth waiting for.
        if (!isRunnelError(error) || error.code !== 'store_unavailable') throw error
        options.onError(error, { messageId })
        if (closed()) return null
        await pause(backOff(failures, savingBackOff))
      }
    }
  } finally {
    // A run that goes on with the message may have it already.
    if (room.writer?.epoch === epoch) room.writer = null
    rooms.unpin(room)
  }
}

/**
 * Whether an end that was in the store before is this process's to tell: a try whose answer was lost left it among the
 * untold ones. One that another node saved in its place is that node's. Throws `store_unavailable`.
 */
async function isToTell(
  { store, node }: Pick<EndingOptions, 'store' | 'node'>,
  { messageId, taskId }: RunEnd,
): Promise<boolean> {
  const row = await store.getRow(messageId)
  if (row?.taskId === taskId && row.node !== null && row.node !== node) return false
  return (await store.untoldEnds()).some((end) => end.messageId === messageId && end.taskId === taskId)
}

/** Writes into the chat's list how a run has ended that is in the store. Throws `store_unavailable`. */
export async function listEnd(
  options: Pick<EndingOptions, 'store' | 'chats'>,
  message: Message,
  taskId: string,
): Promise<void> {
  const { id, chatId, role, parentId, createdAt, status, stoppedBy, model } = message
  const fields = { role, parentId, createdAt, status, stoppedBy, ...(model !== undefined && { model }) }
  await unlessGone(
    options.chats.edit(chatId, (writer) => {
      const listed = schema.chatMessages(writer.doc).get(id)
      // An end behind an end is of another run, also where nobody came to list its beginning.
      const isAnother =
        listed && (listed.has('taskId') || schema.isTerminal(listed.get('status') as MessageFields['status']))
      writer.setMessages([[id, { ...fields, ...(isAnother && { taskId }) }]])
    }),
  )
  if (!(await options.store.endListed({ messageId: id, taskId }))) await unlist(options, chatId, [id])
}

/** Messages that were deleted while they were being listed leave the list again. Throws `store_unavailable`. */
export async function unlist(
  { store, chats }: Pick<EndingOptions, 'store' | 'chats'>,
  chatId: string,
  ids: readonly (string | null)[],
): Promise<void> {
  for (const id of ids) if (id !== null && !(await store.getMessage(id))) await unlessGone(chats.remove(chatId, [id]))
}

/** What is to be written into a chat that is gone is done. */
export async function unlessGone(writing: Promise<void>): Promise<void> {
  await writing.catch((error: unknown) => {
    if (!isRunnelError(error) || error.code !== 'not_found') throw error
  })
}
