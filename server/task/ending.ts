import { RunnelError } from '../../shared/errors.ts'
import * as schema from '../../shared/schema.ts'
import type { Message, MessageError, TerminalStatus } from '../../shared/schema.ts'
import { MessageWriter } from '../document/message-writer.ts'
import type { Room } from '../room/room.ts'
import type { Rooms } from '../room/rooms.ts'
import type { Continuation, MessageRow, ProviderData, Store } from '../store/store.ts'
import type { ChatDocuments } from './chat-documents.ts'
import type { Ends } from './ends.ts'
import { endFields, endOf } from './run.ts'

/** What ending a message needs. */
export interface Places {
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

/** A message whose terminal status is in the log, with what is left to be saved. */
export interface Ending {
  messageId: string
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
export async function takeUp({ rooms, store }: Pick<Places, 'rooms' | 'store'>, room: Room): Promise<number> {
  try {
    const epoch = await store.drawEpoch(room.id)
    await rooms.following.takeUp(room, epoch)
    return epoch
  } catch (error) {
    rooms.unpin(room)
    throw error
  }
}

/** Takes the document of a message up that its run left: what it says now nobody changes any more. Throws as `takeUp`. */
export async function takeUpLeft(places: Pick<Places, 'rooms' | 'store'>, { id }: MessageRow): Promise<Taken> {
  const room = await places.rooms.open(id)
  if (!room) throw new Error(`The message ${id} has no document.`)
  return { room, epoch: await takeUp(places, room) }
}

/**
 * Ends a message that its run left (a crash, a store that was away): closes
 * what is open, writes the status. A terminal status that the log has already
 * stays.
 */
export async function endMessage(
  { rooms, now }: Pick<Places, 'rooms' | 'now'>,
  row: MessageRow,
  { room, epoch }: Taken,
  status: TerminalStatus,
  error?: MessageError,
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
    for (const block of message.output) endBlock(writer, block, status, endedAt, message.status === 'waiting')
    writer.setMessage({ status, endedAt, ...(error && { error }) })
  }
  await new Promise<void>((written) => rooms.flusher.flushNow(room, written))
  return { messageId: row.id, chatId: row.chatId, room, epoch, providerData: [] }
}

function endBlock(
  writer: MessageWriter,
  block: schema.Block,
  status: TerminalStatus,
  endedAt: number,
  wasWaiting: boolean,
): void {
  if (block.type === 'tool_call') {
    if (block.status === 'running' && block.executor !== 'provider')
      writer.closeBlock(block.id, 'failed', { error: 'The server stopped while this call ran: outcome unknown.' })
    // Nobody will run it any more. Calls that a run hands back stay as they are.
    else if (
      !schema.blockIsFinal(block.status) &&
      (wasWaiting || block.status !== 'pending' || block.executor === 'server')
    )
      writer.closeBlock(block.id, 'cancelled')
  } else if (block.status === 'in_progress') {
    writer.closeBlock(block.id, endOf(block.type, status), endFields(block.type, endedAt))
  }
}

/**
 * Saves a message that has ended: the chat's list first, then state and JSON,
 * which make it finished for the store. A crash in between finds it unfinished
 * and comes here again. Waits for a store that is away; null if the process
 * ends before.
 */
export async function saveEnd(places: Places, ending: Ending, closed: () => boolean): Promise<Message | null> {
  const { rooms, store, chats, ends } = places
  const { messageId, chatId, room, epoch, providerData, next } = ending
  const message = (await room.read()) as Message
  try {
    for (let waitMs = 250; ; waitMs = Math.min(waitMs * 2, 5_000)) {
      try {
        const row = await store.getMessage(messageId)
        if (row && row.node !== null && row.node !== places.node) return message
        // It is saved: the answer to that was lost.
        if (next && row?.taskId === next.taskId) return message
        const { role, parentId, createdAt, status, model } = message
        await chats.edit(chatId, (writer) =>
          writer.setMessages([
            [messageId, { role, parentId, createdAt, status, ...(model !== undefined && { model }) }],
          ]),
        )
        if (providerData.length > 0) await store.putProviderData(messageId, providerData)
        const saved = await store.saveFinal({
          message,
          epoch,
          ...(await room.state()),
          tell: ends !== null,
          ...(next && { next }),
        })
        if (saved) ends?.add({ messageId, taskId: message.taskId ?? '' })
        // It is in the store now: what fails here goes by itself, later.
        if (saved) rooms.following.release(messageId, epoch).catch(() => {})
        return message
      } catch (error) {
        // Only a store that is away is worth waiting for.
        if (!(error instanceof RunnelError) || error.code !== 'store_unavailable') throw error
        places.onError(error, { messageId })
        if (closed()) return null
        await new Promise((resolve) => setTimeout(resolve, waitMs).unref())
      }
    }
  } finally {
    // A run that goes on with the message may have it already.
    if (room.writer?.epoch === epoch) room.writer = null
    rooms.unpin(room)
  }
}
