import type { Cluster, Store } from '../../server/index.ts'
import { doc, other, readLog as readText, storeWithDocuments, write } from './fixtures.ts'
import { bytes, chatId } from './records.ts'
import type { TestTools } from './tools.ts'

/** Makes a node on the store's log; who calls the suite closes it behind the test. */
export type OpenNode = (store: Store) => Promise<Cluster> | Cluster

/** The rules of the port that hold with one machine and with many. */
export function clusterContract(open: OpenNode, { describe, it, expect }: TestTools): void {
  async function opened(): Promise<{ store: Store; cluster: Cluster }> {
    const store = await storeWithDocuments()
    return { store, cluster: await open(store) }
  }

  describe('the log', () => {
    it('is empty where nothing was written, and null where there is no document', async () => {
      const { cluster } = await opened()
      expect(await readText(cluster, doc)).toEqual({ lineage: 'line', epoch: 1, seq: 0, state: null, updates: [] })
      expect(await cluster.log.read('msg_unknown1')).toBeNull()
    })

    it('gives back what was appended, in order, several updates under one number', async () => {
      const { cluster } = await opened()
      expect(await write(cluster, doc, 1, 0, 'a', '', 'x'.repeat(70_000))).toEqual({ status: 'ok', seq: 1 })
      expect(await write(cluster, doc, 1, 1, 'd')).toEqual({ status: 'ok', seq: 2 })
      expect(await readText(cluster, doc)).toEqual({
        lineage: 'line',
        epoch: 1,
        seq: 2,
        state: null,
        updates: ['a', '', 'x'.repeat(70_000), 'd'],
      })
    })

    it('keeps 300 entries in their order', async () => {
      const { cluster } = await opened()
      for (let i = 0; i < 300; i++) await write(cluster, doc, 1, i, `update ${i}`)
      expect((await readText(cluster, doc))?.updates).toEqual(Array.from({ length: 300 }, (_, i) => `update ${i}`))
    })

    it('takes the entries of a tick one by one, those of chats among them', async () => {
      const { cluster } = await opened()
      // Connected; what is not answered at once is told later.
      await cluster.heads([doc])
      const entry = (id: string, previousSeq: number, update: string, shared = false) => ({
        doc: id,
        epoch: shared ? 0 : 1,
        previousSeq,
        updates: [bytes(update)],
        shared,
      })
      expect(
        await cluster.log.append([
          entry(chatId, 0, 'title', true),
          entry(doc, 0, 'a'),
          entry(other, 7, 'gap'),
          entry(chatId, 0, 'again', true),
          entry(doc, 1, 'b'),
        ]),
      ).toEqual([
        { status: 'ok', seq: 1 },
        { status: 'ok', seq: 1 },
        { status: 'gap', seq: 0 },
        { status: 'ok', seq: 2 },
        { status: 'ok', seq: 2 },
      ])
      expect((await readText(cluster, chatId))?.updates).toEqual(['title', 'again'])
      expect((await readText(cluster, doc))?.updates).toEqual(['a', 'b'])
      expect(await cluster.log.append([])).toEqual([])
    })

    it('tells a writer that missed or repeats an entry where the log is', async () => {
      const { cluster } = await opened()
      await write(cluster, doc, 1, 0, 'a')
      expect(await write(cluster, doc, 1, 0, 'again')).toEqual({ status: 'gap', seq: 1 })
      expect(await write(cluster, doc, 1, 2, 'ahead')).toEqual({ status: 'gap', seq: 1 })
    })

    it('takes no number for an entry without updates', async () => {
      const { cluster } = await opened()
      expect(await write(cluster, doc, 1, 0)).toEqual({ status: 'ok', seq: 0 })
    })

    it('takes an entry that removes shown text like any other', async () => {
      const { cluster } = await opened()
      expect(
        await cluster.log.append([
          { doc, epoch: 1, previousSeq: 0, updates: [bytes('a'), bytes('-a')], rewrites: true },
        ]),
      ).toEqual([{ status: 'ok', seq: 1 }])
      expect((await readText(cluster, doc))?.updates).toEqual(['a', '-a'])
    })

    it('copies the bytes that come in', async () => {
      const { cluster } = await opened()
      const [update, state] = [Buffer.from('a'), Buffer.from('state')]
      const appending = cluster.log.append([{ doc, epoch: 1, previousSeq: 0, updates: [update] }])
      update.fill(0)
      await appending
      expect((await readText(cluster, doc))?.updates).toEqual(['a'])
      const compacting = cluster.log.compact(doc, 1, 1, state)
      state.fill(0)
      await compacting
      expect((await readText(cluster, doc))?.state).toBe('state')
    })

    it('fences a writer once there is one with a higher epoch', async () => {
      const { store, cluster } = await opened()
      await write(cluster, doc, 1, 0, 'a')
      const epoch = await store.drawEpoch(doc)
      expect(await write(cluster, doc, epoch, 1, 'b')).toEqual({ status: 'ok', seq: 2 })
      expect(await write(cluster, doc, 1, 2, 'late')).toEqual({ status: 'fenced' })
      expect(await readText(cluster, doc)).toMatchObject({ epoch, seq: 2, updates: ['a', 'b'] })
    })
  })

  describe('compaction', () => {
    it('puts a state in place of everything up to a number, and keeps what came after it', async () => {
      const { cluster } = await opened()
      for (let seq = 0; seq < 4; seq++) await write(cluster, doc, 1, seq, `u${seq + 1}`)
      await cluster.log.compact(doc, 1, 3, bytes('u1-u3'))
      expect(await readText(cluster, doc)).toEqual({
        lineage: 'line',
        epoch: 1,
        seq: 4,
        state: 'u1-u3',
        updates: ['u4'],
      })
    })

    it('of the whole log leaves the number where it was', async () => {
      const { cluster } = await opened()
      await write(cluster, doc, 1, 0, 'a')
      await cluster.log.compact(doc, 1, 1, bytes('A'))
      expect(await write(cluster, doc, 1, 0, 'b')).toEqual({ status: 'gap', seq: 1 })
      expect(await write(cluster, doc, 1, 1, 'b')).toEqual({ status: 'ok', seq: 2 })
      await cluster.log.compact(doc, 1, 2, bytes('AB'))
      expect(await readText(cluster, doc)).toMatchObject({ seq: 2, state: 'AB', updates: [] })
    })

    it('that comes late, or early, or under an old epoch, changes nothing', async () => {
      const { store, cluster } = await opened()
      for (let seq = 0; seq < 3; seq++) await write(cluster, doc, 1, seq, `u${seq + 1}`)
      await cluster.log.compact(doc, 1, 2, bytes('u1-u2'))
      await cluster.log.compact(doc, 1, 1, bytes('late'))
      await cluster.log.compact(doc, 1, 4, bytes('early'))
      const epoch = await store.drawEpoch(doc)
      await write(cluster, doc, epoch, 3)
      await cluster.log.compact(doc, 1, 3, bytes('old epoch'))
      await cluster.log.compact('msg_unknown1', 1, 0, bytes('unknown'))
      expect(await readText(cluster, doc)).toMatchObject({ epoch, seq: 3, state: 'u1-u2', updates: ['u3'] })
    })
  })

  it('says that it can be written, and that this node lives', async () => {
    const { cluster } = await opened()
    const deadline = performance.now() + 5_000
    let alive: ReadonlySet<string> | null = null
    while (!alive?.has(cluster.node) && performance.now() < deadline) {
      await new Promise((resolve) => setTimeout(resolve, 20))
      alive = await cluster.alive([cluster.node]).catch(() => null)
    }
    expect(alive).toEqual(new Set([cluster.node]))
    await cluster.probe()
  })

  it('follows and stops following', async () => {
    const { cluster } = await opened()
    const stop = await cluster.follow(doc, () => {})
    stop()
    stop()
  })

  it('closes more than once', async () => {
    const { cluster } = await opened()
    await Promise.all([cluster.close(), cluster.close()])
  })
}
