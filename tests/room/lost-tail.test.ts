/** The log has lost its newest entries with who wrote them, and another writer gives their numbers to words of its own. */
import { expect, test, vi } from 'vitest'
import { MessageWriter } from '../../server/document/message-writer.ts'
import type { Rooms } from '../../server/room/rooms.ts'
import { readMessage } from '../../shared/schema.ts'
import { chatId, flush, messageId, turn, world, writes } from './hub.ts'

/** Removes nothing, and brings nothing. */
const emptyUpdate = Uint8Array.of(0, 0)

/** A follower that shows a word more than the log still has, and a new writer that goes on from there. */
async function lostTail(shows = true) {
  const { hub, store, nodes } = await world(1, 0)
  const [first, second] = nodes as [Rooms, Rooms, Rooms]
  const { room: own, writer } = await writes(first, store)
  writer.setMessage({
    id: messageId,
    chatId,
    parentId: null,
    role: 'assistant',
    status: 'streaming',
    createdAt: 1,
    schema: 1,
  })
  await flush(first, own)
  const follower = (await second.open(messageId))!
  hub.deliver()
  expect(follower.seq).toBe(1)
  // It was published, and then the log lost it, and its writer died.
  const block = writer.openBlock({ type: 'text', status: 'in_progress' })
  writer.append(block, 'text', 'lost')
  second.following.hear(follower, { seq: 2, updates: shows ? writer.commit() : [emptyUpdate] })
  if (shows) expect(readMessage(follower.doc).output).toMatchObject([{ text: 'lost' }])
  first.forget([messageId])
  const successor = (await first.open(messageId))!
  const epoch = await store.drawEpoch(messageId)
  await first.following.takeUp(successor, epoch)
  const next = new MessageWriter(successor.doc, epoch)
  first.attach(successor, next)
  const write = async (status: 'interrupted' | 'streaming') => {
    next.setMessage({ status })
    await flush(first, successor)
  }
  const close = async () => {
    for (const rooms of nodes) await rooms.close()
  }
  return { hub, second, follower, successor, write, close }
}

test('a known number with other words is heard as those of another writer: its room begins anew', async () => {
  const { hub, follower, successor, write, close } = await lostTail()
  await write('interrupted')
  expect(successor.seq).toBe(follower.seq)
  hub.deliver()
  await turn()
  expect(follower.lost?.code).toBe('store_unavailable')
  await close()
})

test('the same, where nobody heard them: numbers are equal, the writer is another', async () => {
  const { hub, second, follower, successor, write, close } = await lostTail()
  await write('interrupted')
  hub.held.length = 0
  expect(successor.seq).toBe(follower.seq)
  await second.compare()
  expect(follower.lost?.code).toBe('store_unavailable')
  await close()
})

test('the same, where the log is longer by now: no mixture is shown', async () => {
  const { hub, second, follower, write, close } = await lostTail()
  for (const status of ['streaming', 'streaming', 'interrupted'] as const) await write(status)
  hub.held.length = 0
  await second.compare()
  expect(follower.lost?.code).toBe('store_unavailable')
  expect((await second.open(messageId))!.ended).toBe(true)
  await close()
})

test('a number of which only a removal is known is read anew: what another writer says under it is shown', async () => {
  const { hub, second, follower, write, close } = await lostTail(false)
  await write('interrupted')
  hub.held.length = 0
  await second.compare()
  expect(follower.lost).toBeNull()
  expect(follower.ended).toBe(true)
  await close()
})

test('another writer that goes on from all that is shown makes nobody begin anew', async () => {
  const { store, nodes } = await world(1, 0)
  const [first, second] = nodes as [Rooms, Rooms, Rooms]
  const follower = (await second.open(messageId))!
  const room = (await first.open(messageId))!
  for (let i = 0; i < 3; i++) {
    await first.following.takeUp(room, await store.drawEpoch(messageId))
    const moved = vi.spyOn(follower, 'catchUp')
    await second.compare()
    expect(moved).not.toHaveBeenCalled()
    expect(follower.lost).toBeNull()
  }
  for (const rooms of nodes) await rooms.close()
})

/** A room that has shown a word when it is lost, and the log then lost that word. */
async function abandonedRoom() {
  const { hub, store, nodes } = await world(1, 0)
  const [first, second] = nodes as [Rooms, Rooms, Rooms]
  const { room: own, writer } = await writes(first, store)
  writer.setMessage({ id: messageId, chatId, parentId: null, role: 'assistant', status: 'streaming', createdAt: 1 })
  await flush(first, own)
  const follower = (await second.open(messageId))!
  writer.append(writer.openBlock({ type: 'text', status: 'in_progress' }), 'text', 'shown')
  writer.commit()
  first.abandon(own)
  const takeUp = async (rooms: Rooms) => {
    const room = (await rooms.open(messageId))!
    const epoch = await store.drawEpoch(messageId)
    await rooms.following.takeUp(room, epoch)
    return { room, epoch }
  }
  const close = async () => {
    for (const rooms of nodes) await rooms.close()
  }
  return { hub, own, lostEpoch: writer.epoch, first, second, follower, takeUp, close }
}

test('what an abandoned room has shown goes back into the log, and to those who follow', async () => {
  const { hub, own, lostEpoch, first, follower, takeUp, close } = await abandonedRoom()
  const { room, epoch } = await takeUp(first)
  expect(readMessage(room.doc).output).toEqual([])
  await first.following.putBack(room, epoch, own, lostEpoch)
  const writer = new MessageWriter(room.doc, epoch)
  first.attach(room, writer)
  writer.append('b0', 'text', ' and kept')
  await flush(first, room)
  hub.deliver()
  await turn()
  for (const { doc } of [room, follower]) expect(readMessage(doc).output).toMatchObject([{ text: 'shown and kept' }])
  expect(follower.seq).toBe(room.seq)
  await close()
})

test('not where another writer has gone on meanwhile', async () => {
  const { own, lostEpoch, first, second, takeUp, close } = await abandonedRoom()
  const other = await takeUp(second)
  const writer = new MessageWriter(other.room.doc, other.epoch)
  second.attach(other.room, writer)
  writer.append(writer.openBlock({ type: 'text', status: 'in_progress' }), 'text', 'other')
  await flush(second, other.room)
  const { room, epoch } = await takeUp(first)
  await first.following.putBack(room, epoch, own, lostEpoch)
  expect(readMessage(room.doc).output).toMatchObject([{ text: 'other' }])
  expect(readMessage((await first.open(messageId))!.doc).output).toHaveLength(1)
  await close()
})
