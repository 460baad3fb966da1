import * as Y from 'yjs'
import { expect, test } from 'vitest'
import type { MessageChange } from '../../shared/events.ts'
import { readMessage } from '../../shared/schema.ts'
import { ChatWriter } from '../../server/document/chat-writer.ts'
import { changesOf } from '../../server/document/changes.ts'
import { MessageWriter } from '../../server/document/message-writer.ts'

const fields = {
  id: 'msg_12345678',
  chatId: 'chat_12345678',
  parentId: null,
  role: 'assistant',
  status: 'queued',
  createdAt: 1,
  schema: 1,
} as const

function newWriter(epoch = 1) {
  const doc = new Y.Doc()
  const replica = new Y.Doc()
  const writer = new MessageWriter(doc, epoch)
  let bytes = 0
  const commit = () => {
    const updates = writer.commit()
    for (const update of updates) {
      bytes += update.length
      Y.applyUpdate(replica, update)
    }
    expect(readMessage(replica)).toEqual(readMessage(doc))
    return updates
  }
  return { doc, replica, writer, commit, bytes: () => bytes }
}

test('a text becomes reasoning in place: no character of it is written again, and what it had is kept', () => {
  const { doc, writer, commit, bytes } = newWriter()
  writer.setMessage({ ...fields })
  const id = writer.openBlock({ type: 'text', status: 'in_progress' })
  writer.append(id, 'text', 'Let me think. '.repeat(500))
  writer.annotate(id, { type: 'url' })
  commit()
  const before = bytes()
  writer.append(id, 'text', 'Done.')
  writer.setBlock(id, { type: 'reasoning', origin: 'tag', startedAt: 1 })
  writer.closeBlock(id, 'completed', { endedAt: 2 })
  commit()
  expect(bytes() - before).toBeLessThan(150)
  const turned = { id, type: 'reasoning', origin: 'tag', status: 'completed', startedAt: 1, endedAt: 2 }
  expect(readMessage(doc).output).toEqual([
    { ...turned, text: `${'Let me think. '.repeat(500)}Done.`, annotations: [{ type: 'url' }] },
  ])
  // One that nobody saw as a text was never one.
  const unseen = writer.openBlock({ type: 'text', status: 'in_progress' })
  writer.append(unseen, 'text', 'Hm.')
  writer.setBlock(unseen, { type: 'reasoning', origin: 'tag', startedAt: 3 })
  commit()
  expect(readMessage(doc).output[1]).toEqual({
    id: unseen,
    type: 'reasoning',
    origin: 'tag',
    status: 'in_progress',
    startedAt: 3,
    text: 'Hm.',
  })
  // What follows change by change has the same.
  const changes: MessageChange[] = []
  writer.annotate(unseen, { type: 'late' })
  writer.commit(changes)
  expect(changes).toEqual([{ type: 'annotation', block: unseen, annotation: { type: 'late' } }])
})

test('writes what collected in one transaction, each value once', () => {
  const { writer, commit, doc } = newWriter()
  writer.setMessage({ ...fields })
  writer.setMessage({ status: 'streaming' })
  const id = writer.openBlock({ type: 'text', status: 'in_progress' })
  writer.append(id, 'text', 'Hello')
  writer.append(id, 'text', ', world')
  writer.setBlock(id, { status: 'completed' })
  expect(commit()).toHaveLength(1)
  expect(readMessage(doc)).toEqual({
    ...fields,
    status: 'streaming',
    output: [{ id: 'b0', type: 'text', status: 'completed', text: 'Hello, world', annotations: [] }],
  })
  // Nothing was inserted and deleted: the update has an empty delete set.
  expect(Y.decodeUpdate(Y.encodeStateAsUpdate(doc)).ds.clients.size).toBe(0)
})

test('keeps a surrogate pair together across two deltas', () => {
  const { writer, commit, replica } = newWriter()
  const id = writer.openBlock({ type: 'text', status: 'in_progress' })
  writer.append(id, 'text', 'a\ud83d')
  commit()
  expect(readMessage(replica).output[0]).toMatchObject({ text: 'a' })
  writer.append(id, 'text', '\ude00b')
  commit()
  expect(readMessage(replica).output[0]).toMatchObject({ text: 'a😀b' })
})

test('writes a lone surrogate as U+FFFD when the text ends', () => {
  const { writer, commit, replica } = newWriter()
  const id = writer.openBlock({ type: 'text', status: 'in_progress' })
  writer.append(id, 'text', '\ude00a\ud83d')
  writer.closeBlock(id, 'completed')
  commit()
  expect(readMessage(replica).output[0]).toMatchObject({ text: '\ufffda\ufffd', status: 'completed' })
})

test('replaces text that is written and text that waits, at code points', () => {
  const { writer, commit, replica } = newWriter()
  const id = writer.openBlock({ type: 'text', status: 'in_progress' })
  writer.append(id, 'text', 'my key is 😀😀')
  commit()
  writer.append(id, 'text', ' and more')
  writer.replace(id, 'text', 11, 5, '[gone]')
  writer.append(id, 'text', '!')
  commit()
  expect(readMessage(replica).output[0]).toMatchObject({ text: 'my key is [gone]nd more!' })
})

test('makes the output of a tool call when its first text comes', () => {
  const { writer, commit, replica } = newWriter()
  const id = writer.openBlock({
    type: 'tool_call',
    status: 'streaming',
    callId: 'c1',
    name: 'search',
    executor: 'server',
  })
  writer.append(id, 'arguments', '{}')
  commit()
  expect(readMessage(replica).output[0]).not.toHaveProperty('output')
  writer.append(id, 'output', 'found')
  commit()
  expect(readMessage(replica).output[0]).toMatchObject({ arguments: '{}', output: 'found' })
})

test('refuses a field that does not grow and a block that is not there', () => {
  const { writer } = newWriter()
  const id = writer.openBlock({ type: 'text', status: 'in_progress' })
  expect(() => writer.append(id, 'arguments', 'x')).toThrow('no growing field')
  expect(() => writer.append('b9', 'text', 'x')).toThrow('no block b9')
})

test('gives a growing text a lane and takes it again when the text has ended', () => {
  const { writer, commit, doc } = newWriter()
  for (let i = 0; i < 200; i++) {
    const id = writer.openBlock({ type: 'text', status: 'in_progress' })
    writer.append(id, 'text', 'x')
    writer.closeBlock(id, 'completed')
    commit()
  }
  expect([...doc.store.clients.keys()].sort()).toEqual([64, 65])
})

test('stays right with more growing texts than lanes', () => {
  const { writer, commit, replica } = newWriter()
  const ids = Array.from({ length: 100 }, () => writer.openBlock({ type: 'text', status: 'in_progress' }))
  for (let round = 0; round < 3; round++) {
    for (const id of ids) writer.append(id, 'text', `${id}.`)
    commit()
  }
  for (const block of readMessage(replica).output) expect(block).toMatchObject({ text: `${block.id}.`.repeat(3) })
})

test('goes on in a document that an earlier epoch wrote', () => {
  const first = newWriter()
  first.writer.setMessage({ ...fields })
  const id = first.writer.openBlock({ type: 'text', status: 'in_progress' })
  first.writer.append(id, 'text', 'before ')
  first.commit()
  const writer = new MessageWriter(first.doc, 2)
  writer.append(id, 'text', 'after')
  const other = writer.openBlock({ type: 'text', status: 'in_progress' })
  writer.append(other, 'text', 'new')
  for (const update of writer.commit()) Y.applyUpdate(first.replica, update)
  expect(readMessage(first.replica).output).toMatchObject([
    { id: 'b0', text: 'before after' },
    { id: 'b1', text: 'new' },
  ])
})

test('costs the same bytes a token at the start and at the end of a long text, redactions or not', () => {
  const { writer, commit, bytes } = newWriter()
  const id = writer.openBlock({ type: 'text', status: 'in_progress' })
  const cost = (tokens: number) => {
    const before = bytes()
    for (let i = 0; i < tokens; i++) {
      writer.append(id, 'text', 'four')
      commit()
      if (i % 20 === 19) {
        writer.replace(id, 'text', 4 * i, 2, '**')
        commit()
      }
    }
    return (bytes() - before) / tokens
  }
  const early = cost(500)
  cost(500)
  expect(cost(500)).toBeLessThan(early * 1.3)
})

test('three tool calls that grow in turns cost little more than their text', () => {
  const { writer, doc } = newWriter()
  writer.setMessage({ ...fields })
  const ids = ['a', 'b', 'c'].map((callId) =>
    writer.openBlock({ type: 'tool_call', status: 'streaming', callId, name: 'f', executor: 'server' }),
  )
  let text = 0
  for (let i = 0; i < 10_000; i++) {
    writer.append(ids[i % 3]!, 'arguments', 'abcd')
    text += 4
    if (i % 3 === 2) for (const update of writer.commit()) expect(update.length).toBeLessThan(800)
    if (i % 500 === 0) writer.setMessage({ status: i % 1000 === 0 ? 'streaming' : 'waiting' })
  }
  for (const id of ids) writer.closeBlock(id, 'pending')
  writer.commit()
  expect(Y.encodeStateAsUpdate(doc).length).toBeLessThanOrEqual(1.1 * text + 3 * 200 + 700)
})

test('a writer that goes leaves nothing on the document: the next one writes at the same cost', () => {
  const doc = new Y.Doc()
  const chat = new Y.Doc()
  for (let epoch = 1; epoch <= 50; epoch++) {
    new MessageWriter(doc, epoch).setMessage({ ...fields })
    const writer = new MessageWriter(doc, epoch)
    writer.setMessage({ ...fields, createdAt: epoch })
    expect(writer.commit()).toHaveLength(1)
    const chatWriter = new ChatWriter(chat, epoch)
    chatWriter.setChat({ title: `${epoch}` })
    expect(chatWriter.commit()).toHaveLength(1)
  }
  for (const { _observers } of [doc, chat]) expect([..._observers.keys()]).not.toContain('afterTransaction')
})

test('E14: the changes of a commit come block by block, here and where its updates are followed', () => {
  const doc = new Y.Doc()
  const replica = new Y.Doc()
  const writer = new MessageWriter(doc, 1)
  const commit = () => {
    const changes: MessageChange[] = []
    const followed = writer
      .commit(changes)
      .flatMap((update) => changesOf(replica, () => Y.applyUpdate(replica, update)))
    return [changes, followed].map((list) =>
      list.map((change) =>
        'block' in change ? `${change.type} ${(change.block as { id?: string }).id ?? change.block}` : '',
      ),
    )
  }
  const call = (callId: string) =>
    writer.openBlock({ type: 'tool_call', status: 'streaming', callId, name: 'add', executor: 'client' })
  const say = () => writer.openBlock({ type: 'text', status: 'in_progress' })
  const grow = (...ids: string[]) => {
    for (const id of ids) writer.append(id, id === 'b1' || id === 'b3' ? 'arguments' : 'text', 'x')
  }
  expect([say(), call('1'), say(), call('2')]).toEqual(['b0', 'b1', 'b2', 'b3'])
  grow('b0', 'b1', 'b2', 'b3')
  expect(commit()).toEqual([
    ['block b0', 'delta b0', 'block b1', 'delta b1', 'block b2', 'delta b2', 'block b3', 'delta b3'],
    // What is said of a new block is in it already.
    ['block b0', 'block b1', 'block b2', 'block b3'],
  ])
  grow('b0', 'b1', 'b2', 'b3')
  writer.closeBlock('b1', 'pending')
  writer.closeBlock('b3', 'pending')
  const inOrder = ['delta b0', 'delta b1', 'set b1', 'delta b2', 'delta b3', 'set b3']
  expect(commit()).toEqual([inOrder, inOrder])
})
