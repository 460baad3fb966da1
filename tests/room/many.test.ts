/** Documents on several nodes: one writes, the others follow, entries get lost; a chat that all of them write. */
import * as Y from 'yjs'
import { expect, test } from 'vitest'
import { ChatWriter } from '../../server/document/chat-writer.ts'
import { MessageWriter } from '../../server/document/message-writer.ts'
import { Position } from '../../server/document/position.ts'
import type { ChangeObserver } from '../../server/room/audience.ts'
import type { Room } from '../../server/room/room.ts'
import type { Rooms } from '../../server/room/rooms.ts'
import { RunnelError } from '../../shared/errors.ts'
import type { MessageChange } from '../../shared/events.ts'
import { readChat, readMessage, type Message } from '../../shared/schema.ts'
import { applyStreamEvent } from '../../testing/index.ts'
import { Author } from '../fuzz/author.ts'
import { chatId, flush, messageId, turn, world, writes } from './hub.ts'

/** Folds what a follower is told change by change; one that is told that it moved reads all again. */
class Folder implements ChangeObserver {
  message: Message
  position: Position
  moves = 0
  readonly #room: Room

  constructor(room: Room) {
    this.#room = room
    this.message = readMessage(room.doc)
    this.position = Position.of(room.doc, room.lineage)
  }

  shown(changes: readonly MessageChange[]): void {
    for (const change of changes) {
      this.message = applyStreamEvent(this.message, change)
      this.position.advance(change)
    }
  }

  moved(): void {
    this.moves += 1
    this.message = readMessage(this.#room.doc)
    this.position = Position.of(this.#room.doc, this.#room.lineage)
  }

  lost(): void {}
}

const base = Number(process.env.RUNNEL_FUZZ_SEED ?? Math.floor(Math.random() * 2 ** 31))
const seeds = Array.from({ length: Number(process.env.RUNNEL_FUZZ_SEEDS ?? 30) }, (_, i) => base + i)

test(`nodes that follow a message end with what its writer has, and tell every change of it (seeds from ${base})`, async () => {
  let lost = 0
  for (const seed of seeds) {
    const { random, hub, store, nodes } = await world(seed, random01(seed))
    const [first, ...others] = nodes as [Rooms, ...Rooms[]]
    const room = (await first.open(messageId))!
    const writer = new MessageWriter(room.doc, await store.drawEpoch(messageId))
    first.attach(room, writer)
    writer.setMessage({
      id: messageId,
      chatId,
      parentId: null,
      role: 'assistant',
      status: 'streaming',
      createdAt: 1,
      schema: 1,
    })
    await flush(first, room)
    const author = new Author(random)
    const followers = await Promise.all(others.map(async (rooms) => (await rooms.open(messageId))!))
    hub.deliver()
    const folders = followers.map((follower) => {
      const folder = new Folder(follower)
      follower.audience.observers.add(folder)
      return folder
    })
    for (let step = 0; step < 150; step++) {
      author.edit(writer, { big: false, maxBlocks: 12 })
      if (random.chance(0.3)) await flush(first, room)
      if (random.chance(0.02)) hub.failOver()
      if (random.chance(0.4)) hub.deliver(random.integer(0, 3))
      if (random.chance(0.05)) await Promise.all(nodes.map((rooms) => rooms.compare()))
      if (random.chance(0.2)) await turn()
    }
    author.finish(writer)
    await flush(first, room)
    hub.deliver()
    await turn()
    await Promise.all(nodes.map((rooms) => rooms.compare()))
    lost += hub.lost
    for (const [i, follower] of followers.entries()) {
      const json = readMessage(room.doc)
      expect(readMessage(follower.doc), `seed ${seed}`).toEqual(json)
      expect(Y.encodeStateVector(follower.doc)).toEqual(Y.encodeStateVector(room.doc))
      expect(follower.shown.stateVector()).toEqual(room.shown.stateVector())
      expect(folders[i]!.message, `seed ${seed}: changes`).toEqual(json)
      expect(folders[i]!.position.toString(), `seed ${seed}: position`).toBe(
        Position.of(room.doc, room.lineage).toString(),
      )
    }
    for (const rooms of nodes) await rooms.close()
  }
  expect(lost).toBeGreaterThan(0)
})

test(`a chat that several nodes write holds what each of them wrote, everywhere (seeds from ${base})`, async () => {
  for (const seed of seeds) {
    const { random, hub, store, nodes } = await world(seed, random01(seed))
    const rooms = await Promise.all(nodes.map(async (node) => (await node.open(chatId))!))
    for (const [i, node] of nodes.entries())
      node.attach(rooms[i]!, new ChatWriter(rooms[i]!.doc, await store.drawEpoch(chatId)))
    const written = new Map<string, string>()
    for (let step = 0; step < 60; step++) {
      const i = random.integer(0, 2)
      const id = `msg_${i}_${step}`
      const text = `text ${step}`
      written.set(id, text)
      ;(rooms[i]!.writer as ChatWriter).setMessages([
        [id, { role: 'user', parentId: null, createdAt: step, status: 'completed', text }],
      ])
      if (random.chance(0.5)) void flush(nodes[i]!, rooms[i]!)
      if (random.chance(0.4)) hub.deliver(random.integer(0, 3))
      if (random.chance(0.2)) await turn()
    }
    await Promise.all(nodes.map((node, i) => flush(node, rooms[i]!)))
    hub.deliver()
    await turn()
    await Promise.all(nodes.map((node) => node.compare()))
    for (const room of rooms) {
      expect(
        Object.fromEntries(Object.entries(readChat(room.doc).messages).map(([id, { text }]) => [id, text])),
        `seed ${seed}`,
      ).toEqual(Object.fromEntries(written))
      expect(room.seq).toBe((await store.log.read(chatId))!.seq)
    }
    for (const node of nodes) await node.close()
  }
})

test("a node that hears of new words before the log's older answer comes is not ahead of it", async () => {
  const { hub, store, nodes } = await world(1, 0)
  const [first, second] = nodes as [Rooms, Rooms, Rooms]
  const { room, writer } = await writes(first, store)
  const follower = (await second.open(messageId))!
  const block = writer.openBlock({ type: 'text', status: 'in_progress' })
  hub.whileAnswering = async () => {
    writer.append(block, 'text', 'more ')
    await flush(first, room)
    hub.deliver()
  }
  for (let i = 1; i <= 5; i++) {
    await second.compare()
    expect(follower.seq).toBe(i)
    expect(follower.lost).toBeNull()
  }
  for (const rooms of nodes) await rooms.close()
})

test('a document that cannot be read holds up the comparison of no other', async () => {
  const { hub, store, nodes } = await world(1, 1)
  const [first, second] = nodes as [Rooms, Rooms, Rooms]
  const { room, writer } = await writes(first, store)
  const [chat, follower] = [(await second.open(chatId))!, (await second.open(messageId))!]
  writer.setMessage({ status: 'streaming' })
  await flush(first, room)
  const read = store.log.read
  const behind = { lineage: chat.lineage, epoch: 5, seq: 5, state: null, updates: [] }
  // What it holds; and then also how far it has come.
  let heads = 0
  store.log.read = async (doc) => {
    if (doc !== chatId) return await read(doc)
    if (++heads === 1) return behind
    throw new RunnelError('store_unavailable', 'What Redis has of this document cannot be read.')
  }
  await expect(second.compare()).rejects.toMatchObject({ code: 'store_unavailable' })
  expect([follower.seq, chat.lost]).toEqual([1, null])

  hub.unreadable.add(chatId)
  writer.setMessage({ status: 'waiting' })
  await flush(first, room)
  await expect(second.compare()).rejects.toMatchObject({ code: 'store_unavailable' })
  expect([follower.seq, chat.lost]).toEqual([2, null])
  await expect(second.following.refresh(chat)).rejects.toMatchObject({ code: 'store_unavailable' })
  hub.unreadable.clear()
  store.log.read = read
  await second.compare()
  for (const rooms of nodes) await rooms.close()
})

test('a node that shows what the log has lost lets its readers begin anew', async () => {
  const { hub, nodes } = await world(1, 0)
  const [, second] = nodes as [Rooms, Rooms, Rooms]
  const room = (await second.open(messageId))!
  const update = () => {
    const doc = new Y.Doc()
    doc.getMap('message').set('status', 'streaming')
    return Y.encodeStateAsUpdate(doc)
  }
  for (const { onEntry } of hub.followers.get(messageId)!) onEntry({ seq: 1, updates: [update()] })
  expect(room.seq).toBe(1)
  await second.compare()
  expect(room.lost).toBeNull()
  await second.compare()
  expect(room.lost?.code).toBe('store_unavailable')
  expect(second.peek(messageId)).toBeUndefined()
  for (const rooms of nodes) await rooms.close()
})

test('a node that knows numbers which another writer now gives to other words begins anew, and shows no mixture', async () => {
  const { store, nodes } = await world(1, 0)
  const [, second] = nodes as [Rooms, Rooms, Rooms]
  const room = (await second.open(messageId))!
  const entriesOf = (epoch: number, texts: readonly string[]) => {
    const doc = new Y.Doc()
    const writer = new MessageWriter(doc, epoch)
    writer.setMessage({
      id: messageId,
      chatId,
      parentId: null,
      role: 'assistant',
      status: 'streaming',
      createdAt: 1,
      schema: 1,
    })
    const block = writer.openBlock({ type: 'text', status: 'in_progress' })
    return texts.map((text) => {
      writer.append(block, 'text', text)
      return writer.commit()
    })
  }
  const tell = async (from: number, entries: readonly Uint8Array[][]) => {
    for (const [i, updates] of entries.entries()) second.following.hear(room, { seq: from + i, updates })
    await turn()
  }
  // The words of a writer that died with its log: numbers 1 to 3.
  await tell(1, entriesOf(2, ['lost ', 'for ', 'ever']))
  expect(room.seq).toBe(3)
  // Its successor begins at 1 again; what it says under 1 to 3 is taken for known.
  await tell(1, entriesOf(3, ['new ', 'words ', 'are ', 'these']))
  expect(room.lost?.code).toBe('store_unavailable')
  expect(await store.drawEpoch(messageId)).toBeGreaterThan(1)
  for (const rooms of nodes) await rooms.close()
})

function random01(seed: number): number {
  return [0, 0.05, 0.3][seed % 3]!
}
