/** What takes a log's place, and what is put back into it: no more than was confirmed, and all of that. */
import { expect, test } from 'vitest'
import * as Y from 'yjs'
import { ChatWriter } from '../../server/document/chat-writer.ts'
import { missingFrom } from '../../server/room/log-contents.ts'
import type { Room } from '../../server/room/room.ts'
import { Rooms } from '../../server/room/rooms.ts'
import type { Store } from '../../server/store/store.ts'
import { RunnelError } from '../../shared/errors.ts'
import { readChat, type ChatEntry } from '../../shared/schema.ts'
import { chatId, flush, messageId, turn, world, writes, type Hub } from './hub.ts'

const entry = (text: string): ChatEntry => ({ role: 'user', parentId: null, createdAt: 1, status: 'completed', text })

async function writesChat(rooms: Rooms, store: Store): Promise<{ room: Room; writer: ChatWriter }> {
  const room = (await rooms.open(chatId))!
  const writer = new ChatWriter(room.doc, await store.drawEpoch(chatId))
  rooms.attach(room, writer)
  return { room, writer }
}

/** What a node that opens the chat now would read. */
async function logged(store: Store): Promise<string[]> {
  const doc = new Y.Doc()
  const { state, updates } = (await store.log.read(chatId))!
  for (const update of state ? [state, ...updates] : updates) Y.applyUpdate(doc, update)
  return Object.keys(readChat(doc).messages).toSorted()
}

/** Appends wait, one by one, until they are let through. */
function gate(hub: Hub) {
  const waiting: (() => void)[] = []
  hub.whileAppending = () => new Promise((resolve) => waiting.push(resolve))
  return {
    waiting,
    pass: async () => {
      await expect.poll(() => waiting.length).toBeGreaterThan(0)
      waiting.shift()!()
    },
  }
}

test('a compaction on demand has nothing of an append that is in flight', async () => {
  const { hub, store, nodes } = await world(1, 0)
  const rooms = nodes[0]!
  const { room, writer } = await writesChat(rooms, store)
  writer.setMessages([['msg_confirmed', entry('confirmed')]])
  await flush(rooms, room)
  const { waiting, pass } = gate(hub)
  const compacting = rooms.compact(room)
  writer.setMessages([['msg_inflight', entry('in flight')]])
  rooms.flusher.flushNow(room)
  await compacting
  expect(waiting).toHaveLength(1)
  expect((await store.log.read(chatId))!.state).not.toBeNull()
  expect(await logged(store)).toEqual(['msg_confirmed'])
  await pass()
  await expect.poll(() => logged(store)).toEqual(['msg_confirmed', 'msg_inflight'])
  hub.whileAppending = async () => {}
  for (const node of nodes) await node.close()
})

test('nor has one at the end of the process, whatever comes while other documents are written', async () => {
  const { hub, store, nodes } = await world(1, 0)
  const rooms = nodes[0]!
  const { room, writer } = await writesChat(rooms, store)
  const message = await writes(rooms, store)
  writer.setMessages([['msg_confirmed', entry('confirmed')]])
  await flush(rooms, room)
  const { waiting, pass } = gate(hub)
  message.writer.setMessage({ status: 'streaming' })
  const closing = rooms.close()
  await turn()
  expect(waiting).toHaveLength(1)
  writer.setMessages([['msg_inflight', entry('in flight')]])
  await turn()
  await turn()
  await pass()
  await closing
  expect(await logged(store)).toEqual(['msg_confirmed'])
  while (waiting.length > 0) waiting.shift()!()
  for (const node of nodes.slice(1)) await node.close()
})

test('what a log has lost is found also where it is a removal, and nothing where it has all', () => {
  const doc = new Y.Doc()
  const writer = new ChatWriter(doc, 1)
  const updates: Uint8Array[] = []
  const contents = () => ({ lineage: 'line', epoch: 1, seq: updates.length, state: null, updates: [...updates] })
  writer.setMessages([['msg_removed', entry('words')]])
  updates.push(...writer.commit())
  expect(missingFrom(contents(), doc)).toBeNull()
  writer.removeMessages(['msg_removed'])
  const removal = writer.commit()
  const missing = missingFrom(contents(), doc)
  const restored = new Y.Doc()
  for (const update of [...updates, missing!]) Y.applyUpdate(restored, update)
  expect(readChat(restored).messages).toEqual({})
  updates.push(...removal)
  expect(missingFrom(contents(), doc)).toBeNull()
})

test('a subscription that fails is tried again by the compare', async () => {
  const { hub, store, nodes } = await world(1, 0)
  const [first, second] = nodes as [Rooms, Rooms, Rooms]
  const cluster = hub.cluster('d')
  let failures = 2
  const rooms = new Rooms({
    cluster: {
      ...cluster,
      follow: async (...args) => {
        if (failures-- > 0) throw new RunnelError('store_unavailable', 'Redis is away.')
        return await cluster.follow(...args)
      },
    },
    flushMs: 1,
    now: Date.now,
    onEvict: async () => {},
  })
  const room = rooms.create(messageId, 'line', 1)
  await turn()
  const { writer, room: theirs } = await writes(first, store)
  writer.setMessage({ status: 'streaming' })
  await flush(first, theirs)
  for (let looks = 0; looks < 2; looks++) {
    await rooms.compare()
    await turn()
  }
  writer.setMessage({ model: 'heard' })
  await flush(first, theirs)
  hub.deliver()
  expect(room.doc.getMap('message').get('model')).toBe('heard')
  rooms.unpin(room)
  await rooms.close()
  expect([...hub.followers.get(messageId)!].map(({ node }) => node)).toEqual(['a'])
  for (const node of [first, second, nodes[2]!]) await node.close()
})
