import { Writable } from 'node:stream'
import { createParser } from 'eventsource-parser'
import * as Y from 'yjs'
import { expect, test } from 'vitest'
import { decodeEvent, type MessageChange, type StreamEvent } from '../../shared/events.ts'
import { readMessage, type JsonObject, type Message } from '../../shared/schema.ts'
import type { UpdateLog } from '../../server/cluster/cluster.ts'
import { MessageWriter } from '../../server/document/message-writer.ts'
import { Position, readPosition } from '../../server/document/position.ts'
import { CatchUpQueue } from '../../server/room/catchup.ts'
import { EventFeed, type EventMode } from '../../server/events/event-feed.ts'
import { EventReader } from '../../server/events/event-reader.ts'
import { Outbox } from '../../server/room/outbox.ts'
import { localCluster } from '../../server/cluster/local.ts'
import { Rooms } from '../../server/room/rooms.ts'
import { applyStreamEvent } from '../../testing/index.ts'
import { seededRandom } from '../../testing/openai/index.ts'

const fields = {
  id: 'msg_12345678',
  chatId: 'chat_12345678',
  parentId: null,
  role: 'assistant',
  status: 'queued',
  createdAt: 1,
  schema: 1,
} as const
const lineage = 'lineage1'

/** A message in a room whose log says yes, at once or when it is told to. */
function newMessage({ later = false } = {}) {
  let answer = () => {}
  const log: UpdateLog = {
    append: (entries) => {
      const results = entries.map(({ previousSeq }) => ({ status: 'ok' as const, seq: previousSeq + 1 }))
      return later
        ? new Promise((resolve) => {
            answer = () => resolve(results)
          })
        : results
    },
    read: async () => null,
    compact: () => {},
  }
  const rooms = new Rooms({ cluster: localCluster(log), flushMs: 5, now: Date.now, onEvict: async () => {} })
  const room = rooms.create(fields.id, lineage, 1)
  const writer = new MessageWriter(room.doc, 1)
  rooms.attach(room, writer)
  writer.onEdit = () => {}
  return { room, writer, flush: () => rooms.flusher.flushNow(room), answer: () => answer() }
}

/** A socket that takes everything at once, or nothing until it is told to. */
class Reader extends Writable {
  message: Message | null = null
  readonly events: { event: StreamEvent; id: string; message: Message }[] = []
  over = false
  bytes = 0
  #held: (() => void) | null = null
  #holds = false
  readonly #parser = createParser({
    onEvent: ({ event: name, id, data }) => {
      const event = decodeEvent(name, data)!
      this.message = applyStreamEvent(this.message, event)
      this.events.push({ event, id: id!, message: this.message })
    },
  })

  override _write(chunk: Buffer, _encoding: string, done: () => void): void {
    this.bytes += chunk.length
    this.#parser.feed(chunk.toString())
    if (this.#holds) this.#held = done
    else done()
  }

  hold(): void {
    this.#holds = true
  }

  release(): void {
    this.#holds = false
    this.#held?.()
    this.#held = null
  }
}

function follow(
  room: ReturnType<typeof newMessage>['room'],
  options: { since?: string | null; mode?: EventMode; highWaterBytes?: number; message?: Message | null } = {},
) {
  const { since = null, mode = 'deltas', highWaterBytes = 1_000_000, message = null } = options
  const socket = new Reader()
  socket.message = message
  const outbox = new Outbox(socket, { highWaterBytes, now: Date.now })
  const reader = EventFeed.join(
    room,
    Date.now,
    (feed) =>
      new EventReader({
        feed,
        mode,
        since,
        outbox,
        catchUp: new CatchUpQueue(64_000_000),
        now: Date.now,
        onOver: () => {
          socket.over = true
        },
      }),
  )
  reader.begin()
  return { socket, reader, outbox }
}

const turn = () => new Promise((resolve) => setImmediate(resolve))

/** Does at random what a run, a tool loop, filters and a Continue may do. */
function randomEdit(writer: MessageWriter, open: { id: string; type: string }[], random: () => number): void {
  const pick = <T>(list: readonly T[]): T => list[Math.floor(random() * list.length)]!
  const words = ['tide ', 'moon', '😀', 'a "quoted"\n\nline\r\n', '\u2028', '\ud83d', '\ude00', '']
  const block = open.length > 0 ? pick(open) : undefined
  const field = block?.type === 'tool_call' ? pick(['arguments', 'output'] as const) : 'text'
  const does = Math.floor(random() * 12)
  if (!block || does === 0) {
    const type = pick(['text', 'reasoning', 'tool_call', 'source'] as const)
    if (type === 'text') open.push({ type, id: writer.openBlock({ type, status: 'in_progress' }) })
    else if (type === 'reasoning')
      open.push({ type, id: writer.openBlock({ type, status: 'in_progress', origin: 'field', startedAt: 5 }) })
    else if (type === 'tool_call')
      open.push({
        type,
        id: writer.openBlock({ type, status: 'streaming', callId: 'c', name: 'f', executor: 'server' }),
      })
    else writer.openBlock({ type, status: 'completed', title: 'A source', sourceType: 'web' })
  } else if (does <= 5) writer.append(block.id, field, pick(words))
  else if (does === 6)
    writer.replace(block.id, field, Math.floor(random() * 12), Math.floor(random() * 4), pick(['', '[gone]', 'x']))
  else if (does === 7 && block.type === 'text') writer.annotate(block.id, { type: 'url', url: `https://${random()}` })
  else if (does === 8)
    writer.setBlock(
      block.id,
      pick<JsonObject>([
        { progress: 'half' },
        { progress: undefined as never },
        { status: 'running' },
        { error: 'x', progress: 'y' },
      ]),
    )
  else if (does === 9)
    writer.closeBlock(
      block.id,
      pick(['completed', 'incomplete', 'failed'] as const),
      random() < 0.5 ? { endedAt: 7 } : {},
    )
  else if (does === 10)
    writer.setMessage(
      pick([
        { status: 'streaming' },
        { firstTokenAt: 3, model: 'm' },
        { model: undefined as never },
        { usage: { inputTokens: 1, outputTokens: 2, totalTokens: 3 } },
      ]),
    )
}

const seeds = process.env['RUNNEL_FUZZ_SEED']
  ? [Number(process.env['RUNNEL_FUZZ_SEED'])]
  : Array.from({ length: 40 }, (_, i) => i + 1)

test.each(seeds)(
  'whatever is written, the folded events are the message, and any id leads on from anywhere (seed %i)',
  async (seed) => {
    const random = seededRandom(seed)
    const { room, writer, flush } = newMessage()
    writer.setMessage({ ...fields })
    flush()
    let { socket, reader: first } = follow(room)
    const read = [socket]
    const open: { id: string; type: string }[] = []
    for (let commit = 0; commit < 40; commit++) {
      for (let edits = random() * 4; edits > 0; edits--) randomEdit(writer, open, random)
      flush()
      await turn()
      expect(socket.message).toEqual(readMessage(room.doc))
      if (commit === 20) {
        // The last reader leaves, the feed with it; one that comes back starts another from the document.
        first.close()
        ;({ socket, reader: first } = follow(room, { since: socket.events.at(-1)!.id, message: socket.message }))
        read.push(socket)
        await turn()
      }
      // What was counted change by change is what anybody derives from the document.
      const feed = [...room.audience.observers][0] as EventFeed
      expect(readPosition(feed.position)!.edits).toBe(readPosition(Position.of(room.doc, lineage).toString())!.edits)
      expect(Position.at(room.doc, lineage, readPosition(feed.position)!)).not.toBeNull()
    }
    // Another node: the document as its log gives it.
    const doc = new Y.Doc()
    Y.applyUpdate(doc, Y.encodeStateAsUpdate(room.doc))
    expect(Position.of(doc, lineage).toString()).toBe(Position.of(room.doc, lineage).toString())
    const truth = readMessage(room.doc)
    let tails = 0
    for (const { id, message } of read.flatMap(({ events }) => events)) {
      const { socket: later, reader } = follow(room, { since: id, message })
      await turn()
      expect(later.message).toEqual(truth)
      if (later.events[0]!.event.type !== 'snapshot') tails += 1
      // And from each event of the resumption itself.
      for (const step of later.events) {
        const { socket: last, reader: lastReader } = follow(room, { since: step.id, message: step.message })
        await turn()
        expect(last.message).toEqual(truth)
        lastReader.close()
      }
      reader.close()
    }
    expect(tails).toBeGreaterThan(0)
  },
)

test('one who has all but statuses and appends gets only those', async () => {
  const { room, writer, flush } = newMessage()
  writer.setMessage({ ...fields })
  const text = writer.openBlock({ type: 'text', status: 'in_progress' })
  const call = writer.openBlock({ type: 'tool_call', status: 'streaming', callId: 'c', name: 'f', executor: 'server' })
  writer.append(text, 'text', 'x'.repeat(5_000))
  flush()
  const { socket, reader } = follow(room)
  await turn()
  reader.close()
  writer.append(text, 'text', ' and on')
  writer.annotate(text, { type: 'url', url: 'https://a.example' })
  writer.append(call, 'arguments', '{}')
  writer.append(call, 'output', 'found')
  writer.closeBlock(text, 'completed')
  writer.openBlock({ type: 'source', status: 'completed', title: 'A', sourceType: 'web' })
  writer.setMessage({ status: 'completed' })
  flush()
  const { socket: back } = follow(room, { since: socket.events.at(-1)!.id, message: socket.message })
  await turn()
  expect(back.message).toEqual(readMessage(room.doc))
  expect(back.events.map(({ event }) => event.type)).toEqual([
    'message',
    'set',
    'set',
    'delta',
    'annotation',
    'delta',
    'delta',
    'block',
    'end',
  ])
  expect(back.bytes).toBeLessThan(1_500)
  expect(back.over).toBe(true)
})

test.each([
  ['a rewrite', (writer: MessageWriter) => writer.replace('b0', 'text', 0, 1, 'y')],
  ['an insertion', (writer: MessageWriter) => writer.replace('b0', 'text', 3, 0, 'y')],
  ['a changed field', (writer: MessageWriter) => writer.setBlock('b0', { progress: 'half' })],
  ['an annotation of a closed block', (writer: MessageWriter) => writer.annotate('b1', { url: 'x' })],
])('%s since leads to a snapshot', async (_name, edit) => {
  const { room, writer, flush } = newMessage()
  writer.setMessage({ ...fields })
  writer.openBlock({ type: 'text', status: 'in_progress' })
  writer.openBlock({ type: 'text', status: 'completed' })
  writer.append('b0', 'text', 'before')
  flush()
  const { socket } = follow(room)
  await turn()
  edit(writer)
  flush()
  const { socket: back } = follow(room, { since: socket.events[0]!.id, message: socket.events[0]!.message })
  await turn()
  expect(back.events.map(({ event }) => event.type)).toEqual(['snapshot'])
  expect(socket.message).toEqual(back.message)
})

test('a Continue goes on in a new stream from the id of the end', async () => {
  const { room, writer, flush } = newMessage()
  writer.setMessage({ ...fields, taskId: 'task_1' })
  writer.openBlock({ type: 'text', status: 'in_progress' })
  writer.append('b0', 'text', 'x'.repeat(5_000))
  writer.closeBlock('b0', 'incomplete')
  writer.setMessage({ status: 'failed', endedAt: 9, error: { code: 'interrupted', message: 'No.', retryable: true } })
  flush()
  const { socket, reader } = follow(room)
  await turn()
  expect(socket.over).toBe(true)
  reader.close()
  const second = new MessageWriter(room.doc, 2)
  room.writer = second
  second.setMessage({ status: 'streaming', taskId: 'task_2', endedAt: undefined as never, error: undefined as never })
  second.setBlock('b0', { status: 'in_progress' })
  second.append('b0', 'text', ' and on')
  flush()
  const { socket: back } = follow(room, { since: socket.events.at(-1)!.id, message: socket.message })
  await turn()
  expect(back.message).toEqual(readMessage(room.doc))
  expect(back.message).not.toHaveProperty('error')
  expect(back.over).toBe(false)
  expect(back.bytes).toBeLessThan(1_500)
  second.append('b0', 'text', '.')
  second.setMessage({ status: 'completed', endedAt: 12 })
  flush()
  await turn()
  expect(back.message).toEqual(readMessage(room.doc))
  expect(back.events.at(-1)!.id).not.toBe(socket.events.at(-1)!.id)
})

test('a foreign lineage, and a position ahead of the document, lead to a snapshot', async () => {
  const { room, writer, flush } = newMessage()
  writer.setMessage({ ...fields })
  writer.openBlock({ type: 'text', status: 'in_progress' })
  flush()
  const { socket } = follow(room)
  await turn()
  const [id] = socket.events.map(({ id }) => id)
  expect(id).toMatch(/^lineage1\./)
  for (const since of [
    id!.replace('lineage1', 'lineage2'),
    id!.replace(/\.0_.*/, '.0_9_0'),
    id!.replace(/\.0_.*/, '.7_0_0'),
    'nonsense',
    '....',
    `${id}_1`,
  ]) {
    const { socket: back } = follow(room, { since })
    await turn()
    expect(
      back.events.map(({ event }) => event.type),
      since,
    ).toEqual(['snapshot'])
  }
})

test('tells nothing before the log has it', async () => {
  const { room, writer, flush, answer } = newMessage({ later: true })
  writer.setMessage({ ...fields })
  flush()
  answer()
  await turn()
  const { socket } = follow(room)
  const { socket: states } = follow(room, { mode: 'states' })
  await turn()
  writer.setMessage({ status: 'streaming' })
  flush()
  let joined: ReturnType<typeof follow> | undefined
  room.whenSettled(() => {
    joined = follow(room)
  })
  await turn()
  expect(socket.events).toHaveLength(1)
  expect(states.events).toHaveLength(1)
  expect(joined).toBeUndefined()
  answer()
  await turn()
  expect(socket.message!.status).toBe('streaming')
  expect(joined!.socket.message!.status).toBe('streaming')
})

test('one buffer serves all readers, and nobody asks the writer for changes without a reader', async () => {
  const { room, writer, flush } = newMessage()
  writer.setMessage({ ...fields })
  const id = writer.openBlock({ type: 'text', status: 'in_progress' })
  flush()
  const readers = [follow(room), follow(room), follow(room)]
  await turn()
  const written: unknown[] = []
  for (const { outbox } of readers) {
    const { send } = outbox
    outbox.send = (frames) => {
      written.push(frames)
      send.call(outbox, frames)
    }
  }
  writer.append(id, 'text', 'shared')
  flush()
  expect(written).toHaveLength(3)
  expect(new Set(written).size).toBe(1)
  for (const { reader } of readers) reader.close()
  expect(room.audience.observers.size).toBe(0)
  const asked: (MessageChange[] | undefined)[] = []
  const { commit } = writer
  writer.commit = (changes) => {
    asked.push(changes)
    return commit.call(writer, changes)
  }
  writer.append(id, 'text', '!')
  flush()
  expect(asked).toEqual([undefined])
})

test('a reader above its mark gets nothing more until it has drained, then what it lacks', async () => {
  const { room, writer, flush } = newMessage()
  writer.setMessage({ ...fields })
  const id = writer.openBlock({ type: 'text', status: 'in_progress' })
  flush()
  const { socket, outbox } = follow(room, { highWaterBytes: 50_000 })
  await turn()
  socket.hold()
  for (let i = 0; i < 300; i++) {
    writer.append(id, 'text', 'abcd'.repeat(250))
    if (i === 250) writer.replace(id, 'text', 0, 5, 'redacted')
    flush()
    expect(outbox.bytes).toBeLessThan(50_000 + 2_000)
  }
  expect(outbox.lagging).toBe(true)
  socket.release()
  const snapshots = () => socket.events.filter(({ event }) => event.type === 'snapshot').length
  for (let i = 0; (snapshots() < 2 || outbox.bytes > 0 || room.appending) && i < 1_000; i++) await turn()
  await turn()
  expect(socket.message).toEqual(readMessage(room.doc))
  expect(snapshots()).toBe(2)
  writer.append(id, 'text', '!')
  flush()
  await turn()
  expect(socket.message).toEqual(readMessage(room.doc))
})

test('costs the same bytes a token at the start and at the end of a long text', async () => {
  const { room, writer, flush } = newMessage()
  writer.setMessage({ ...fields })
  const id = writer.openBlock({ type: 'text', status: 'in_progress' })
  flush()
  const { socket } = follow(room)
  await turn()
  const cost = async (tokens: number) => {
    const before = socket.bytes
    for (let i = 0; i < tokens; i++) {
      writer.append(id, 'text', 'four')
      if (i % 20 === 19) writer.replace(id, 'text', 2, 2, '**')
      flush()
    }
    await turn()
    return (socket.bytes - before) / tokens
  }
  const early = await cost(500)
  await cost(2_000)
  expect(await cost(500)).toBeLessThan(early * 1.1)
})
