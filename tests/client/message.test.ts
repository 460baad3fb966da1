import { expect, test } from 'vitest'
import { messageMap, outputArray, readMessage } from '../../shared/schema.ts'
import type { MessageChange } from '../../client/index.ts'
import {
  addBlock,
  append,
  eventually,
  messageId,
  serveGreeting,
  settled,
  startClient,
  startServer,
  textOf,
} from './fixtures.ts'

async function following() {
  const server = await startServer()
  serveGreeting(server)
  const client = startClient(server)
  const live = client.message(messageId)
  const changes: MessageChange[] = []
  live.subscribe((change) => changes.push(change))
  await eventually(() => expect(live.getSnapshot().status).toBe('live'))
  changes.length = 0
  return { server, client, live, changes }
}

test('a block that did not change is the same object, and so is the message while only its status as a copy changes', async () => {
  const { server, live } = await following()
  const before = live.getSnapshot().message!
  server.edit(messageId, (doc) => append(doc, ', world'))
  await eventually(() => expect(live.getSnapshot().message).not.toBe(before))
  const after = live.getSnapshot().message!
  expect(after.output[1]).toBe(before.output[1])
  expect(after.output[0]).toMatchObject({ text: 'Hello, world' })
  expect(before.output[0]).toMatchObject({ text: 'Hello' })
  server.edit(messageId, (doc) => messageMap(doc).set('status', 'completed'))
  await eventually(() => expect(live.getSnapshot().message!.status).toBe('completed'))
  expect(live.getSnapshot().message!.output).toBe(after.output)
})

test('a change tells which text grew by what, of every growing field', async () => {
  const { server, client, changes } = await following()
  server.edit(messageId, (doc) => {
    append(doc, ', world')
    textOf(doc, 1, 'arguments').insert(0, '{"q":')
  })
  await eventually(() => expect(changes).toHaveLength(1))
  expect(changes[0]).toEqual({
    texts: [
      { block: 'b0', field: 'text', from: 5, text: ', world' },
      { block: 'b1', field: 'arguments', from: 0, text: '{"q":' },
    ],
  })
  server.edit(messageId, (doc) => messageMap(doc).set('status', 'waiting'))
  await settled(client, server)
  expect(changes[1]).toEqual({ texts: [] })
})

test('a rewrite of shown text comes whole', async () => {
  const { server, changes } = await following()
  server.edit(messageId, (doc) => {
    textOf(doc).delete(0, 1)
    textOf(doc).insert(0, 'J')
  })
  await eventually(() => expect(changes).toEqual([{ texts: [{ block: 'b0', field: 'text', from: 0, text: 'Jello' }] }]))
})

test('a document that was replaced tells all its texts', async () => {
  const { server, live, changes } = await following()
  server.checkpoint(messageId, { digest: 'wrong' })
  await eventually(() => expect(changes.at(-1)?.texts).toHaveLength(2))
  expect(changes.at(-1)).toEqual({
    texts: [
      { block: 'b0', field: 'text', from: 0, text: 'Hello' },
      { block: 'b1', field: 'arguments', from: 0, text: '' },
    ],
  })
  expect(live.getSnapshot().message).toEqual(readMessage(server.documents.get(messageId)!.doc))
})

test('blocks may come, go and move between others', async () => {
  const { server, live } = await following()
  server.edit(messageId, (doc) => outputArray(doc).delete(0))
  server.edit(messageId, (doc) => addBlock(doc, 'b2', { type: 'refusal', status: 'in_progress' }))
  server.edit(messageId, (doc) => append(doc, 'No.', 1))
  const { doc } = server.documents.get(messageId)!
  await eventually(() => expect(live.getSnapshot().message).toEqual(readMessage(doc)))
  expect(live.getSnapshot().message!.output.map(({ id }) => id)).toEqual(['b1', 'b2'])
})
