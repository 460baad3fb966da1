import * as Y from 'yjs'
import { expect, test } from 'vitest'
import type { MessageChange } from '../../shared/events.ts'
import { readMessage } from '../../shared/schema.ts'
import { tailUnits } from '../../server/document/growing-text.ts'
import { MessageWriter } from '../../server/document/message-writer.ts'
import { chosenSeeds, Random } from '../fuzz/random.ts'

const half = /[\ud800-\udbff]$/

/** What a text must read, by plain strings alone. */
class Model {
  text = ''

  get settled(): string {
    return this.text.replace(half, '')
  }

  append(chunk: string): void {
    const joined = this.text + chunk
    const settled = joined.replace(half, '')
    this.text = settled.toWellFormed() + joined.slice(settled.length)
  }

  replace(offset: number, deleteCount: number, insert: string): void {
    const { settled } = this
    const to = Math.min(Math.max(offset + deleteCount, offset), this.text.length)
    const from = Math.min(offset, to)
    const held = to > from && to > settled.length ? '' : this.text.slice(settled.length)
    const splits = (index: number) => /^[\ud800-\udbff][\udc00-\udfff]$/.test(settled.slice(index - 1, index + 1))
    let start = Math.min(from, settled.length)
    let end = Math.min(to, settled.length)
    if (splits(start)) start -= 1
    if (splits(end)) end += 1
    this.text = settled.slice(0, start) + insert.toWellFormed() + settled.slice(end) + held
  }
}

function newWriter(doc = new Y.Doc(), epoch = 1) {
  const writer = new MessageWriter(doc, epoch)
  const replica = new Y.Doc()
  Y.applyUpdate(replica, Y.encodeStateAsUpdate(doc))
  const log: Uint8Array[] = []
  const changes: MessageChange[] = []
  const commit = () => {
    for (const update of writer.commit(changes)) {
      expect(insertedAndDeleted(update)).toBe(false)
      log.push(update)
      Y.applyUpdate(replica, update)
    }
  }
  return { doc, writer, replica, log, changes, commit }
}

/** Text that a transaction inserts and deletes would stay in its update. */
function insertedAndDeleted(update: Uint8Array): boolean {
  const { structs, ds } = Y.decodeUpdate(update)
  return structs.some(({ id, length }) =>
    ds.clients.get(id.client)?.some(({ clock, len }) => clock < id.clock + length && id.clock < clock + len),
  )
}

const pieces = ['a', ' the', '😀', '👩‍👩‍👧', '\ud83d', '\ude00', ' word', '漢字', '\n\n', '']
const seeds = chosenSeeds(300)

test(
  `appends and replacements in any order read as plain strings do (${seeds.length} seeds)`,
  { timeout: 60_000 },
  () => {
    for (const seed of seeds) play(seed)
  },
)

function play(seed: number): void {
  const random = new Random(seed)
  const where = `RUNNEL_FUZZ_SEED=${seed}`
  const { doc, writer, replica, log, changes, commit } = newWriter()
  const texts = [0, 1].map(() => ({
    id: writer.openBlock({ type: 'text', status: 'in_progress' }),
    model: new Model(),
    folded: '',
    open: true,
  }))
  const chunk = (long: boolean) =>
    Array.from({ length: random.integer(1, 5) }, () => random.pick(pieces))
      .join('')
      .repeat(long ? 400 : 1)
  for (let step = 0; step < 120; step++) {
    const text = random.pick(texts)
    const { model, id } = text
    const does = random.weighted<string>([
      [8, 'append'],
      [5, 'replace'],
      [3, 'commit'],
      [text.open ? 0.2 : 0, 'close'],
    ])
    if (does === 'append' && text.open) {
      const piece = chunk(random.chance(0.03))
      writer.append(id, 'text', piece)
      model.append(piece)
    } else if (does === 'replace') {
      const length = model.text.length
      const offset = random.weighted([
        [6, Math.max(0, length - random.integer(0, 12))],
        [1, random.integer(0, length + 2)],
        [1, 0],
      ])
      const count = random.weighted([
        [2, 0],
        [6, random.integer(1, 8)],
        [1, length],
      ])
      const insert = random.chance(0.4) ? '' : random.pick(pieces)
      writer.replace(id, 'text', offset, count, insert)
      model.replace(offset, count, insert)
    } else if (does === 'close') {
      writer.closeBlock(id, 'completed')
      model.text = model.text.toWellFormed()
      text.open = false
    } else if (does === 'commit') {
      commit()
      for (const { id, model } of texts) {
        const block = readMessage(doc).output.find((block) => block.id === id)
        expect(block, where).toMatchObject({ text: model.settled })
      }
      expect(readMessage(replica), where).toEqual(readMessage(doc))
    }
    expect(writer.length(id, 'text'), where).toBe(model.text.length)
    const count = random.pick([0, 1, 7, tailUnits, tailUnits + 9])
    expect(writer.tail(id, 'text', count), where).toBe(count === 0 ? '' : model.text.slice(-Math.min(count, tailUnits)))
  }
  commit()
  const replay = new Y.Doc()
  for (const update of log) Y.applyUpdate(replay, update)
  expect(Y.encodeStateAsUpdate(replay), where).toEqual(Y.encodeStateAsUpdate(doc))
  expect(Y.encodeStateAsUpdate(replica), where).toEqual(Y.encodeStateAsUpdate(doc))
  for (const change of changes) {
    const text = texts.find((text) => change.type === 'delta' && change.block === text.id)
    if (text && change.type === 'delta')
      text.folded =
        text.folded.slice(0, change.offset) + change.insert + text.folded.slice(change.offset + (change.delete ?? 0))
  }
  for (const { folded, model } of texts) expect(folded, where).toBe(model.settled)
}

test('text that is replaced before it was committed is in no update', () => {
  const { writer, doc, log, commit } = newWriter()
  const id = writer.openBlock({ type: 'text', status: 'in_progress' })
  writer.append(id, 'text', 'my key is SECRET1')
  writer.replace(id, 'text', 10, 7, '[gone]')
  commit()
  expect(writer.rewrites).toBe(false)
  writer.append(id, 'text', ' or SECRET2')
  writer.replace(id, 'text', 17, 10, 'perhaps SECRET3')
  writer.replace(id, 'text', 25, 7, '')
  commit()
  expect(writer.rewrites).toBe(false)
  expect(readMessage(doc).output[0]).toMatchObject({ text: 'my key is [gone] perhaps ' })
  expect(Buffer.concat(log).toString('latin1')).not.toContain('SECRET')
})

test('a replacement across what is committed and what waits deletes only what was committed', () => {
  const { writer, doc, log, commit } = newWriter()
  const id = writer.openBlock({ type: 'text', status: 'in_progress' })
  writer.append(id, 'text', 'my key is SEC')
  commit()
  writer.append(id, 'text', 'RET, take care')
  writer.replace(id, 'text', 10, 6, '[gone]')
  writer.replace(id, 'text', 12, 2, 'OTHER')
  writer.replace(id, 'text', 12, 5, 'n')
  commit()
  expect(writer.rewrites).toBe(true)
  expect(readMessage(doc).output[0]).toMatchObject({ text: 'my key is [gne], take care' })
  const bytes = Buffer.concat(log).toString('latin1')
  expect(bytes).not.toContain('RET')
  expect(bytes).not.toContain('OTHER')
})

test('a writer that takes a text up counts and edits what stands there', () => {
  const first = newWriter()
  const id = first.writer.openBlock({ type: 'text', status: 'in_progress' })
  first.writer.append(id, 'text', `${'x'.repeat(10_000)}😀 end`)
  first.commit()
  const { writer, doc, replica, commit } = newWriter(first.doc, 2)
  expect(writer.length(id, 'text')).toBe(10_006)
  expect(writer.tail(id, 'text', 6)).toBe('😀 end')
  writer.replace(id, 'text', 10_001, 1, '!')
  writer.replace(id, 'text', 0, 9_999, '')
  commit()
  expect(readMessage(doc).output[0]).toMatchObject({ text: 'x! end' })
  expect(readMessage(replica)).toEqual(readMessage(doc))
  expect(writer.tail(id, 'text', 4_096)).toBe('x! end')
})

test('many edits that delete alone leave the search for a place short', () => {
  const { writer, doc, commit } = newWriter()
  const id = writer.openBlock({ type: 'text', status: 'in_progress' })
  for (let i = 0; i < 200; i++) {
    writer.append(id, 'text', 'four four')
    commit()
    writer.replace(id, 'text', writer.length(id, 'text') - 4, 2, '')
    commit()
  }
  const text = (doc.getArray('output').get(0) as Y.Map<Y.Text>).get('text')!
  let joinable = 0
  for (let item = text._start; item?.right; item = item.right) {
    const { left, right } = { left: item, right: item.right }
    joinable = left.id.client === right.id.client && left.id.clock + left.length === right.id.clock ? joinable + 1 : 0
    expect(joinable).toBeLessThan(4)
  }
  // Two lanes by turns, however many edits.
  expect([...doc.store.clients.keys()].sort()).toEqual([64, 65, 66])
})
