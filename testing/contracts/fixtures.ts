import { isRunnelError, type ErrorCode, type RunnelError } from '../../shared/errors.ts'
import { memoryStore, type Cluster, type Paged, type Store } from '../../server/index.ts'
import { bytes, chat, newRun, text } from './records.ts'

/** Opens a store for one test, empty; who calls the suite closes it behind the test. */
export type OpenStore = () => Store

/** One entry of the log: `previousSeq` and the updates as text. */
export function append(store: Store, doc: string, epoch: number, previousSeq: number, ...updates: string[]) {
  return store.log.append([{ doc, epoch, previousSeq, updates: updates.map(bytes) }])
}

/** The log of a document with its bytes as text. */
export async function readLog({ log }: Pick<Store | Cluster, 'log'>, doc: string) {
  const contents = await log.read(doc)
  return (
    contents && { ...contents, state: text(contents.state), updates: contents.updates.map((update) => text(update)) }
  )
}

/** All that follows a page of a list. */
export async function readPages<T>(load: (cursor: string) => Promise<Paged<T>>, from: string | null): Promise<T[]> {
  const items: T[] = []
  for (let cursor = from; cursor !== null;) {
    const page = await load(cursor)
    items.push(...page.items)
    cursor = page.nextCursor
  }
  return items
}

/** What `run` throws or rejects with; fails the test for anything but a RunnelError of this code. */
export async function refusal(code: ErrorCode, run: () => unknown): Promise<RunnelError> {
  let thrown: unknown
  try {
    await run()
  } catch (error) {
    thrown = error
  }
  if (!isRunnelError(thrown) || thrown.code !== code) {
    throw new Error(`expected ${code}, got ${String(thrown)}`, { cause: thrown })
  }
  return thrown
}

/** The messages that are written in the suite of the cluster. */
export const doc = 'msg_answer01'
export const other = 'msg_answer02'

/** A store with a chat and two messages that are being written under epoch 1. */
export async function storeWithDocuments(): Promise<Store> {
  const store = memoryStore()
  await store.createChat(chat(), 'l')
  for (const id of [doc, other]) await store.startRun(newRun(id, {}, { lineage: 'line' }))
  return store
}

export async function write(cluster: Cluster, id: string, epoch: number, previousSeq: number, ...updates: string[]) {
  const [result] = await cluster.log.append([{ doc: id, epoch, previousSeq, updates: updates.map(bytes) }])
  return result!
}
