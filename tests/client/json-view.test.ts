import { describe, expect, test } from 'vitest'
import * as Y from 'yjs'
import { JsonView, type TextTail } from '../../client/json-view.ts'
import {
  createBlock,
  messageMap,
  outputArray,
  readMessage,
  type Block,
  type JsonObject,
  type Message,
  type NewBlock,
} from '../../shared/schema.ts'
import { addBlock, append, fillMessage, textOf } from './fixtures.ts'

function read(view: JsonView, doc: Y.Doc): Message {
  return { ...(view.read(messageMap(doc)) as object), output: view.read(outputArray(doc)) } as Message
}

function newMessage(): Y.Doc {
  const doc = new Y.Doc()
  fillMessage(doc)
  return doc
}

describe('structure sharing', () => {
  test('a block that did not change is the same object, one that did is not', () => {
    const doc = newMessage()
    addBlock(doc, 'b0')
    addBlock(doc, 'b1')
    const view = new JsonView(doc)
    const before = read(view, doc)
    append(doc, 'more', 1)
    const after = read(view, doc)
    expect(after.output[0]).toBe(before.output[0])
    expect(after.output[1]).not.toBe(before.output[1])
    expect(before.output[1]).toMatchObject({ text: '' })
    expect(after.output[1]).toMatchObject({ text: 'more' })
  })

  test("a change of the message's fields keeps `output`", () => {
    const doc = newMessage()
    addBlock(doc, 'b0')
    const view = new JsonView(doc)
    const before = read(view, doc)
    messageMap(doc).set('status', 'completed')
    expect(read(view, doc).output).toBe(before.output)
    expect(read(view, doc).status).toBe('completed')
  })

  test('an added block keeps the others; unread changes add up', () => {
    const doc = newMessage()
    addBlock(doc, 'b0')
    const view = new JsonView(doc)
    const [first] = read(view, doc).output
    addBlock(doc, 'b1')
    append(doc, 'x', 1)
    append(doc, 'y', 1)
    const { output } = read(view, doc)
    expect(output[0]).toBe(first)
    expect(output).toEqual(readMessage(doc).output)
  })
})

describe('tails', () => {
  test('appends of several transactions are one tail that starts where the text ended', () => {
    const doc = newMessage()
    addBlock(doc, 'b0')
    append(doc, 'old')
    const view = new JsonView(doc)
    read(view, doc)
    append(doc, ' new')
    append(doc, 'er')
    expect(view.takeTails()).toEqual([{ type: textOf(doc), from: 3, text: ' newer' }])
    expect(view.takeTails()).toEqual([])
  })

  test('a text that changed elsewhere comes whole, with what was appended around it', () => {
    const doc = newMessage()
    addBlock(doc, 'b0')
    append(doc, 'abc')
    const view = new JsonView(doc)
    read(view, doc)
    append(doc, 'd')
    textOf(doc).delete(0, 1)
    append(doc, 'e')
    expect(view.takeTails()).toEqual([{ type: textOf(doc), from: 0, text: 'bcde' }])
  })

  test('a replacement of equal length before an append in one transaction is no append', () => {
    const doc = newMessage()
    addBlock(doc, 'b0')
    append(doc, 'abc')
    const view = new JsonView(doc)
    read(view, doc)
    doc.transact(() => {
      textOf(doc).delete(0, 1)
      textOf(doc).insert(0, 'X')
      append(doc, '!')
    })
    expect(read(view, doc).output[0]).toMatchObject({ text: 'Xbc!' })
    expect(view.takeTails()).toMatchObject([{ from: 0, text: 'Xbc!' }])
  })

  test('a block that was removed has none', () => {
    const doc = newMessage()
    addBlock(doc, 'b0')
    const view = new JsonView(doc)
    read(view, doc)
    append(doc, 'x')
    outputArray(doc).delete(0)
    expect(view.takeTails()).toEqual([])
  })

  test('text behind a deleted end is still an append', () => {
    const doc = newMessage()
    addBlock(doc, 'b0')
    append(doc, 'abc')
    textOf(doc).delete(1, 2)
    const view = new JsonView(doc)
    read(view, doc)
    append(doc, 'Z')
    expect(view.takeTails()).toMatchObject([{ from: 1, text: 'Z' }])
    expect(read(view, doc)).toEqual(readMessage(doc))
  })
})

/** mulberry32 */
function seeded(seed: number): () => number {
  return () => {
    seed = (seed + 0x6d2b79f5) | 0
    let t = Math.imul(seed ^ (seed >>> 15), 1 | seed)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32
  }
}

const newBlocks: NewBlock[] = [
  { type: 'text', status: 'in_progress' },
  { type: 'reasoning', status: 'in_progress', origin: 'tag', startedAt: 1 },
  { type: 'tool_call', status: 'streaming', callId: 'c', name: 'search', executor: 'server' },
  { type: 'source', status: 'completed', title: 'A page', sourceType: 'web' },
]
const words = ['a', ' word', '\n', '😀', 'naïve', '👩‍👩‍👧', 'x'.repeat(40)]

/** One transaction of random edits, under one of a few client ids. */
function randomEdit(doc: Y.Doc, random: () => number): void {
  const below = (limit: number) => Math.floor(random() * limit)
  const output = outputArray(doc)
  doc.clientID = 64 + below(5)
  doc.transact(() => {
    for (let edits = 1 + below(3); edits > 0; edits--) {
      const block = output.length > 0 ? output.get(below(output.length)) : undefined
      const texts = block ? [...block.values()].filter((value) => value instanceof Y.Text) : []
      const text = texts[below(texts.length)]
      const word = words[below(words.length)]!
      switch (below(13)) {
        case 0:
          output.insert(below(output.length + 1), [createBlock(`b${below(1e9)}`, newBlocks[below(newBlocks.length)]!)])
          break
        case 1:
          if (output.length > 3) output.delete(below(output.length), 1)
          break
        case 2:
          messageMap(doc).set('status', word)
          break
        case 3:
          if (random() < 0.5) messageMap(doc).delete('model')
          else messageMap(doc).set('model', word)
          break
        case 4:
          block?.set('status', word)
          break
        case 5:
          if (block?.get('type') === 'tool_call') block.set('output', new Y.Text(word))
          break
        case 6:
          ;(block?.get('annotations') as Y.Array<JsonObject> | undefined)?.push([{ url: word }])
          break
        case 7:
          if (text && text.length > 0) text.delete(below(text.length), 1 + below(3))
          break
        case 8:
          text?.insert(below(text.length + 1), word)
          break
        default:
          text?.insert(text.length, word)
      }
    }
  })
}

/** Every replica is read or left unread at random, and sees the updates late, twice and in any order. */
function fuzz(seed: number): void {
  const random = seeded(seed)
  const source = newMessage()
  const updates: Uint8Array[] = [Y.encodeStateAsUpdate(source)]
  source.on('update', (update: Uint8Array) => updates.push(update))
  const copy = new Y.Doc()
  const view = new JsonView(copy)
  /** What a reader shows that builds on tails alone, where it may. */
  const shown = new Map<Y.Text, string>()
  const touched = new Set<unknown>()
  outputArray(copy).observeDeep((events) => {
    for (const { target } of events) {
      for (let type: unknown = target; type instanceof Y.AbstractType; type = type.parent) touched.add(type)
    }
  })
  let previous = new Map<unknown, Block>()

  const check = () => {
    const message = read(view, copy)
    const fresh = readMessage(copy)
    expect(message).toEqual(fresh)
    const blocks = new Map(outputArray(copy).map((map, i) => [map as unknown, message.output[i]!]))
    for (const [map, block] of blocks) if (!touched.has(map) && previous.has(map)) expect(block).toBe(previous.get(map))
    previous = blocks
    touched.clear()
    follow(view.takeTails())
  }
  const follow = (tails: TextTail[]) => {
    for (const { type, from, text } of tails) shown.set(type, (shown.get(type) ?? '').slice(0, from) + text)
    for (const block of outputArray(copy)) {
      for (const text of block.values()) {
        if (!(text instanceof Y.Text)) continue
        if (!shown.has(text)) shown.set(text, text.toString())
        expect(shown.get(text)).toBe(text.toString())
      }
    }
  }

  const waiting: Uint8Array[] = []
  for (let step = 0; step < 60; step++) {
    randomEdit(source, random)
    waiting.push(...updates.splice(0))
    while (waiting.length > 0 && random() < 0.7) {
      const [update] = waiting.splice(Math.floor(random() * waiting.length * (random() < 0.3 ? 1 : 0)), 1)
      Y.applyUpdate(copy, update!)
      if (random() < 0.1) waiting.push(update!)
    }
    if (random() < 0.6) check()
  }
  for (const update of waiting) Y.applyUpdate(copy, update)
  check()
  // Yjs (13.6.33) seldom keeps updates pending for ever that came in a wrong order, seed 4176 for one: a checkpoint
  // notices that in the product, here the state heals it.
  Y.applyUpdate(copy, Y.encodeStateAsUpdate(source))
  check()
  expect(read(view, copy)).toEqual(readMessage(source))
  source.destroy()
  copy.destroy()
}

const firstSeed = Number(process.env.RUNNEL_FUZZ_SEED ?? 1)
const seeds = Number(process.env.RUNNEL_FUZZ_SEEDS ?? 300)

test(`the snapshot always equals the document (${seeds} seeds from ${firstSeed})`, { timeout: 60_000 }, () => {
  for (let seed = firstSeed; seed < firstSeed + seeds; seed++) {
    try {
      fuzz(seed)
    } catch (error) {
      throw new Error(`Repeat with RUNNEL_FUZZ_SEED=${seed} RUNNEL_FUZZ_SEEDS=1`, { cause: error })
    }
  }
})
