import * as Y from 'yjs'
import type { LogContents } from '../cluster/cluster.ts'

/** In one transaction: whoever observes the document sees one change. */
export function applyContents(doc: Y.Doc, { state, updates }: LogContents): void {
  doc.transact(() => {
    if (state) Y.applyUpdate(doc, state)
    for (const update of updates) Y.applyUpdate(doc, update)
  })
}

/** Does a document with this state vector have something that the log does not? */
export function exceeds(shown: ReadonlyMap<number, number>, contents: LogContents): boolean {
  const logged = new Y.Doc()
  applyContents(logged, contents)
  return [...shown].some(([client, clock]) => clock > Y.getState(logged.store, client))
}
