import type { Store } from '../../server/index.ts'
import { append, readLog, type OpenStore } from './fixtures.ts'
import { bytes, chat, newRun } from './records.ts'
import type { TestTools } from './tools.ts'

const doc = 'msg_answer01'
const other = 'msg_answer02'

async function openWithDocuments(open: OpenStore): Promise<Store> {
  const store = open()
  await store.createChat(chat(), 'l')
  for (const id of [doc, other]) await store.startRun(newRun(id, {}, { lineage: 'line' }))
  return store
}

/** Of adapters on this machine: log and broadcast are one synchronous step with them. */
export function logAnswersAtOnce(open: OpenStore, { it, expect }: Pick<TestTools, 'it' | 'expect'>): void {
  it('answers an append at once, not with a promise', async () => {
    const store = await openWithDocuments(open)
    expect(append(store, doc, 1, 0, 'a')).toEqual([{ status: 'ok', seq: 1 }])
  })
}

/** The log of live documents. */
export function logRules(open: OpenStore, { describe, it, expect }: TestTools): void {
  describe('the log', () => {
    it('gives back the updates in their order, several of one entry under one number', async () => {
      const store = await openWithDocuments(open)
      await append(store, doc, 1, 0, 'a', 'b', 'c')
      await append(store, other, 1, 0, 'elsewhere')
      expect(await append(store, doc, 1, 1, 'd')).toEqual([{ status: 'ok', seq: 2 }])
      expect(await readLog(store, doc)).toEqual({
        lineage: 'line',
        epoch: 1,
        seq: 2,
        state: null,
        updates: ['a', 'b', 'c', 'd'],
      })
    })

    it('keeps its order over ten entries and more', async () => {
      const store = await openWithDocuments(open)
      const updates = Array.from({ length: 300 }, (_, index) => `update ${index}`)
      for (const [index, update] of updates.entries()) await append(store, doc, 1, index, update)
      expect((await readLog(store, doc))?.updates).toEqual(updates)
    })

    it('takes the entries of a tick one by one: the refused ones write nothing, the others are written', async () => {
      const store = await openWithDocuments(open)
      expect(
        await store.log.append([
          { doc, epoch: 1, previousSeq: 0, updates: [bytes('a')] },
          { doc: other, epoch: 2, previousSeq: 0, updates: [bytes('fenced')] },
          { doc, epoch: 1, previousSeq: 1, updates: [bytes('b')] },
          { doc, epoch: 1, previousSeq: 1, updates: [bytes('gap')] },
          { doc: 'msg_unknown1', epoch: 1, previousSeq: 0, updates: [bytes('unknown')] },
        ]),
      ).toEqual([
        { status: 'ok', seq: 1 },
        { status: 'fenced' },
        { status: 'ok', seq: 2 },
        { status: 'gap', seq: 2 },
        { status: 'fenced' },
      ])
      expect((await readLog(store, doc))?.updates).toEqual(['a', 'b'])
      expect((await readLog(store, other))?.updates).toEqual([])
      expect(await store.log.append([])).toEqual([])
    })

    it('fences a writer whose epoch is no longer the newest', async () => {
      const store = await openWithDocuments(open)
      await append(store, doc, 1, 0, 'a')
      await store.drawEpoch(doc)
      expect(await append(store, doc, 1, 1, 'late')).toEqual([{ status: 'fenced' }])
      expect(await append(store, doc, 3, 1, 'early')).toEqual([{ status: 'fenced' }])
      expect(await append(store, doc, 2, 1, 'b')).toEqual([{ status: 'ok', seq: 2 }])
      expect((await readLog(store, doc))?.updates).toEqual(['a', 'b'])
    })

    it('tells a writer that missed or repeats an entry where the log is', async () => {
      const store = await openWithDocuments(open)
      await append(store, doc, 1, 0, 'a')
      expect(await append(store, doc, 1, 0, 'again')).toEqual([{ status: 'gap', seq: 1 }])
      expect(await append(store, doc, 1, 2, 'ahead')).toEqual([{ status: 'gap', seq: 1 }])
    })

    it('takes the entries of several writers of a document that they share, each under its own epoch, one behind the other', async () => {
      const store = await openWithDocuments(open)
      await store.drawEpoch(doc)
      const write = (epoch: number, text: string) =>
        store.log.append([{ doc, epoch, previousSeq: 0, updates: [bytes(text)], shared: true }])
      expect(await write(1, 'a')).toEqual([{ status: 'ok', seq: 1 }])
      expect(await write(2, 'b')).toEqual([{ status: 'ok', seq: 2 }])
      expect(await write(1, 'c')).toEqual([{ status: 'ok', seq: 3 }])
      expect(await write(3, 'nobody drew this epoch')).toEqual([{ status: 'fenced' }])
      expect((await readLog(store, doc))?.updates).toEqual(['a', 'b', 'c'])
      // Each of them may put a state in place of what it has seen.
      await store.log.compact(doc, 1, 2, bytes('late'))
      expect((await readLog(store, doc))?.state).toBeNull()
      await store.log.compact(doc, 1, 2, bytes('state'), true)
      expect(await readLog(store, doc)).toMatchObject({ state: 'state', updates: ['c'] })
    })

    it('takes no number for an entry without updates', async () => {
      const store = await openWithDocuments(open)
      expect(await append(store, doc, 1, 0)).toEqual([{ status: 'ok', seq: 0 }])
    })

    it('takes an entry that removes shown text like any other', async () => {
      const store = await openWithDocuments(open)
      const entry = { doc, epoch: 1, previousSeq: 0, updates: [bytes('a'), bytes('-a')], rewrites: true }
      expect(await store.log.append([entry])).toEqual([{ status: 'ok', seq: 1 }])
      expect(await append(store, doc, 1, 1, 'b')).toEqual([{ status: 'ok', seq: 2 }])
      expect((await readLog(store, doc))?.updates).toEqual(['a', '-a', 'b'])
      await store.log.compact(doc, 1, 1, bytes('clean'))
      expect(await readLog(store, doc)).toMatchObject({ seq: 2, state: 'clean', updates: ['b'] })
    })

    it('gives back an update without bytes, and a large one', async () => {
      const store = await openWithDocuments(open)
      const updates = ['', 'x'.repeat(200_000), 'y']
      await append(store, doc, 1, 0, ...updates)
      expect((await readLog(store, doc))?.updates).toEqual(updates)
    })

    it('is null for a document that does not exist', async () => {
      const store = await openWithDocuments(open)
      expect(await store.log.read('msg_unknown1')).toBeNull()
    })

    it('copies the bytes that come in and go out', async () => {
      const store = await openWithDocuments(open)
      const update = Buffer.from('a')
      const state = Buffer.from('state')
      await store.log.append([{ doc, epoch: 1, previousSeq: 0, updates: [update] }])
      await store.log.compact(doc, 1, 1, state)
      await store.log.append([{ doc, epoch: 1, previousSeq: 1, updates: [update] }])
      update.fill(0)
      state.fill(0)
      const contents = await store.log.read(doc)
      contents?.updates[0]?.fill(0)
      contents?.state?.fill(0)
      expect(await readLog(store, doc)).toMatchObject({ state: 'state', updates: ['a'] })
    })
  })

  describe('compaction', () => {
    it('puts a state in place of everything up to a number, and keeps what came after it', async () => {
      const store = await openWithDocuments(open)
      for (let seq = 0; seq < 4; seq++) await append(store, doc, 1, seq, `u${seq + 1}`)
      await append(store, other, 1, 0, 'elsewhere')
      await store.log.compact(doc, 1, 3, bytes('u1-u3'))
      expect(await readLog(store, doc)).toEqual({ lineage: 'line', epoch: 1, seq: 4, state: 'u1-u3', updates: ['u4'] })
      expect((await readLog(store, other))?.updates).toEqual(['elsewhere'])
    })

    it('of the whole log leaves the number where it was', async () => {
      const store = await openWithDocuments(open)
      await append(store, doc, 1, 0, 'a')
      await append(store, doc, 1, 1, 'b')
      await store.log.compact(doc, 1, 2, bytes('ab'))
      expect(await append(store, doc, 1, 1, 'c')).toEqual([{ status: 'gap', seq: 2 }])
      expect(await append(store, doc, 1, 2, 'c')).toEqual([{ status: 'ok', seq: 3 }])
      await store.log.compact(doc, 1, 3, bytes('abc'))
      expect(await readLog(store, doc)).toMatchObject({ seq: 3, state: 'abc', updates: [] })
    })

    it('under an old epoch, of a number that is not there yet, or that comes late, changes nothing', async () => {
      const store = await openWithDocuments(open)
      for (let seq = 0; seq < 3; seq++) await append(store, doc, 1, seq, `u${seq + 1}`)
      await store.log.compact(doc, 1, 2, bytes('u1-u2'))
      await store.log.compact(doc, 1, 1, bytes('late'))
      await store.log.compact(doc, 1, 4, bytes('early'))
      await store.drawEpoch(doc)
      await store.log.compact(doc, 1, 3, bytes('old epoch'))
      await store.log.compact('msg_unknown1', 1, 0, bytes('unknown'))
      expect(await readLog(store, doc)).toMatchObject({ epoch: 2, seq: 3, state: 'u1-u2', updates: ['u3'] })
    })
  })
}
