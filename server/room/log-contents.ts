import * as Y from 'yjs'
import { RunnelError } from '../../shared/errors.ts'
import type { LogContents } from '../cluster/cluster.ts'

/** In one transaction: whoever observes the document sees one change. Throws `store_unavailable` for what is no update; the document is then worth nothing. */
export function applyContents(doc: Y.Doc, { state, updates }: LogContents): void {
  try {
    doc.transact(() => {
      if (state) Y.applyUpdate(doc, state)
      for (const update of updates) Y.applyUpdate(doc, update)
    })
  } catch (error) {
    throw new RunnelError('store_unavailable', 'What the log has of this document cannot be read.', { cause: error })
  }
}

export function stateVectorOf(contents: LogContents): Map<number, number> {
  const doc = new Y.Doc()
  applyContents(doc, contents)
  return Y.decodeStateVector(Y.encodeStateVector(doc))
}

/** By state vectors: does one document have something that the other does not? */
export function exceeds(one: ReadonlyMap<number, number>, other: ReadonlyMap<number, number>): boolean {
  return [...one].some(([client, clock]) => clock > (other.get(client) ?? 0))
}
