import * as Y from 'yjs'
import { RunnelError } from '../../shared/errors.ts'
import type { LogContents } from '../cluster/cluster.ts'
import { inSlices } from '../waiting/slices.ts'
import { splitUpdate } from '../document/split.ts'

/** An update that is larger may have so many structs that Yjs takes long over it. */
const largeBytes = 65_536

/** The document that a log holds. Throws `store_unavailable` for what is no update. */
export async function loadContents(id: string, contents: LogContents): Promise<Y.Doc> {
  try {
    return await inSlices(loadSteps(new Y.Doc({ guid: id }), contents))
  } catch (error) {
    throw unreadable(error)
  }
}

function* loadSteps(doc: Y.Doc, { state, updates }: LogContents): Generator<void, Y.Doc> {
  for (const update of state ? [state, ...updates] : updates) {
    for (const piece of update.length > largeBytes ? splitUpdate(update) : [update]) {
      if (piece) Y.applyUpdate(doc, piece)
      yield
    }
  }
  return doc
}

/** In one transaction: whoever observes the document sees one change. Throws `store_unavailable` for what is no update; the document is then worth nothing. */
export function applyContents(doc: Y.Doc, { state, updates }: LogContents): void {
  try {
    doc.transact(() => {
      if (state) Y.applyUpdate(doc, state)
      for (const update of updates) Y.applyUpdate(doc, update)
    })
  } catch (error) {
    throw unreadable(error)
  }
}

export function stateVectorOf(contents: LogContents): Map<number, number> {
  const doc = new Y.Doc()
  applyContents(doc, contents)
  return Y.decodeStateVector(Y.encodeStateVector(doc))
}

/** What a document has and its log has not, removals too; null where that is nothing. */
export function missingFrom(contents: LogContents, doc: Y.Doc): Uint8Array | null {
  const logged = new Y.Doc()
  applyContents(logged, contents)
  const before = Y.snapshot(logged)
  const missing = Y.encodeStateAsUpdate(doc, Y.encodeStateVector(logged))
  Y.applyUpdate(logged, missing)
  return Y.equalSnapshots(before, Y.snapshot(logged)) ? null : missing
}

/** By state vectors: does one document have something that the other does not? */
export function exceeds(one: ReadonlyMap<number, number>, other: ReadonlyMap<number, number>): boolean {
  return [...one].some(([client, clock]) => clock > (other.get(client) ?? 0))
}

function unreadable(cause: unknown): RunnelError {
  return new RunnelError('store_unavailable', 'What the log has of this document cannot be read.', { cause })
}
