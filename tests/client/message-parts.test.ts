/** A message by its parts: who listens to one hears of that one, at the cost of what is new. */
import { expect, test } from 'vitest'
import { inPieces, type TextForm } from '../../client/parts/growing.ts'
import { MessageParts } from '../../client/parts/message-parts.ts'
import { Listeners } from '../../client/listeners.ts'
import type { MessageChange, MessageSnapshot } from '../../client/message.ts'
import type { Part } from '../../client/parts/part.ts'
import { messageMap, outputArray, type Block } from '../../shared/schema.ts'
import { append, eventually, messageId, serveGreeting, startClient, startServer, textOf } from './fixtures.ts'

async function following() {
  const server = await startServer()
  serveGreeting(server)
  const client = startClient(server)
  const parts = new MessageParts(() => client.message(messageId))
  return { server, parts }
}

/** What a part has told, and how often. */
function listen<Snapshot>(part: Part<Snapshot>) {
  const heard: Snapshot[] = []
  const stop = part.subscribe(() => heard.push(part.getSnapshot()))
  return { heard, stop, now: () => part.getSnapshot() }
}

const words = ({ finished, open }: { finished: readonly { text: string }[]; open: { text: string } }) =>
  finished.map(({ text }) => text).join('') + open.text

test('a token is heard by its block and its text, a status by the outline, and by nobody else', async () => {
  const { server, parts } = await following()
  const outline = listen(parts)
  const [first, second] = [listen(parts.block('b0')), listen(parts.block('b1'))]
  const [text, input] = [listen(parts.text('b0', 'text', inPieces)), listen(parts.text('b1', 'arguments', inPieces))]
  await eventually(() => expect(outline.now()).toMatchObject({ status: 'live', blocks: [{ id: 'b0' }, { id: 'b1' }] }))
  expect(words(text.now())).toBe('Hello')
  const all = [outline, first, second, text, input]
  const heard = () => all.map((listener) => listener.heard.splice(0).length)
  heard()

  server.edit(messageId, (doc) => append(doc, ', world'))
  await eventually(() => expect(words(text.now())).toBe('Hello, world'))
  expect(heard()).toEqual([0, 1, 0, 1, 0])
  server.edit(messageId, (doc) => textOf(doc, 1, 'arguments').insert(0, '{"q":1}'))
  await eventually(() => expect(words(input.now())).toBe('{"q":1}'))
  expect(heard()).toEqual([0, 0, 1, 0, 1])
  server.edit(messageId, (doc) => messageMap(doc).set('status', 'completed'))
  await eventually(() => expect(outline.now().message!.status).toBe('completed'))
  expect(heard()).toEqual([1, 0, 0, 0, 0])
  for (const { stop } of all) stop()
})

test('what is finished is the same object for ever; an edit re-opens from the first changed offset on', async () => {
  const { server, parts } = await following()
  const text = listen(parts.text('b0', 'text', inPieces))
  const line = `${'words '.repeat(400)}\n`
  await eventually(() => expect(words(text.now())).toBe('Hello'))
  server.edit(messageId, (doc) => append(doc, line.repeat(4)))
  await eventually(() => expect(text.now().finished.length).toBeGreaterThan(3))
  const before = text.now().finished
  server.edit(messageId, (doc) => append(doc, line))
  await eventually(() => expect(text.now().finished.length).toBeGreaterThan(before.length))
  expect(text.now().finished.slice(0, before.length)).toEqual(before)
  expect(before.every((piece, i) => text.now().finished[i] === piece)).toBe(true)

  const at = before[2]!.start + 7
  server.edit(messageId, (doc) => {
    textOf(doc).delete(at, 5)
    textOf(doc).insert(at, 'WORDS')
  })
  await eventually(() => expect(words(text.now())).toContain('WORDS'))
  expect([0, 1].every((i) => text.now().finished[i] === before[i])).toBe(true)
  expect(text.now().finished[2]).not.toBe(before[2])
  text.stop()
})

test('a copy that is loaded anew keeps the pieces that it has in common with the old one', async () => {
  const { server, parts } = await following()
  const text = listen(parts.text('b0', 'text', inPieces))
  server.edit(messageId, (doc) => append(doc, `${'words '.repeat(800)}\n`.repeat(3)))
  await eventually(() => expect(text.now().finished.length).toBeGreaterThan(2))
  const { finished } = text.now()
  server.checkpoint(messageId, { digest: 'wrong' })
  server.edit(messageId, (doc) => append(doc, 'The end.'))
  await eventually(() => expect(words(text.now())).toMatch(/The end\.$/))
  expect(finished.every((piece, i) => text.now().finished[i] === piece)).toBe(true)
  text.stop()
})

test('a token gives a form what is new, and a form that nobody listens to nothing until it is asked', async () => {
  const { server, parts } = await following()
  let given = 0
  let ended = 0
  const counting: TextForm<string> = {
    follow: () => {
      let text = ''
      return {
        get length() {
          return text.length
        },
        toString: () => text,
        replaceFrom: (from, added) => {
          given += added.length
          text = text.slice(0, from) + added
        },
        end: () => void ended++,
        shown: () => text,
      }
    },
  }
  const part = parts.text('b0', 'text', counting)
  const outline = listen(parts)
  let listening = listen(part)
  server.edit(messageId, (doc) => append(doc, 'x'.repeat(200_000)))
  await eventually(() => expect(listening.now().length).toBe(200_005))
  given = 0
  for (let i = 1; i <= 50; i++) {
    server.edit(messageId, (doc) => append(doc, ' word'))
    await eventually(() => expect(listening.now().length).toBe(200_005 + i * 5))
  }
  expect(given).toBe(250)

  listening.stop()
  server.edit(messageId, (doc) => {
    append(doc, ' more')
    outputArray(doc).get(0).set('status', 'completed')
    messageMap(doc).set('status', 'completed')
  })
  await eventually(() => expect(outline.now().message!.status).toBe('completed'))
  expect([given, ended]).toEqual([250, 0])
  listening = listen(part)
  expect(listening.now()).toHaveLength(200_260)
  expect([given, ended]).toEqual([255, 1])
  listening.stop()
  outline.stop()
})

test('a field that comes late, a block that becomes another, and one that goes', async () => {
  const { server, parts } = await following()
  const [outline, output, block] = [
    listen(parts),
    listen(parts.text('b1', 'output', inPieces)),
    listen(parts.block('b1')),
  ]
  await eventually(() => expect(block.now()).toMatchObject({ id: 'b1' }))
  expect(words(output.now())).toBe('')
  const { blocks } = outline.now()
  server.edit(messageId, (doc) => {
    const call = outputArray(doc).get(1)
    call.set('output', textOf(doc, 1, 'arguments').clone())
    textOf(doc, 1, 'output').insert(0, '42')
  })
  await eventually(() => expect(words(output.now())).toBe('42'))
  expect(outline.now().blocks).toBe(blocks)
  server.edit(messageId, (doc) => outputArray(doc).get(0).set('type', 'reasoning'))
  await eventually(() => expect(outline.now().blocks[0]).toEqual({ id: 'b0', type: 'reasoning' }))
  expect(outline.now().blocks[1]).toBe(blocks[1])
  server.edit(messageId, (doc) => outputArray(doc).delete(1))
  await eventually(() => expect(block.now()).toBeNull())
  expect(words(output.now())).toBe('')
  for (const { stop } of [outline, output, block]) stop()
})

test('a token costs what the blocks cost once, however many of them are on show', () => {
  const looks = [50, 500].map((count) => {
    let looked = 0
    const block = (id: string, text: string) =>
      new Proxy({ id, type: 'text', status: 'in_progress', text, annotations: [] } as unknown as Block, {
        get: (target, key) => {
          if (key === 'id') looked++
          return Reflect.get(target, key) as unknown
        },
      })
    const blocks = Array.from({ length: count }, (_, n) => block(`b${n}`, 'Word'))
    const snapshot = () =>
      ({ status: 'live', message: { id: messageId, output: [...blocks] } }) as unknown as MessageSnapshot
    let now = snapshot()
    const listeners = new Listeners<MessageChange>()
    const parts = new MessageParts(() => ({ getSnapshot: () => now, subscribe: (tell) => listeners.add(tell) }))
    const texts = blocks.map(({ id }) => listen(parts.text(id, 'text', inPieces)))
    const last = blocks.at(-1)!.id
    blocks[count - 1] = block(last, 'Word after')
    now = snapshot()
    looked = 0
    listeners.emit({ texts: [{ block: last, field: 'text', from: 4, text: ' after' }] })
    const cost = looked
    expect(texts.map(({ heard }) => heard.length)).toEqual([...Array<number>(count - 1).fill(0), 1])
    expect(words(texts.at(-1)!.now())).toBe('Word after')
    return cost
  })
  expect(looks[1]).toBeLessThan(15 * looks[0]!)
})
