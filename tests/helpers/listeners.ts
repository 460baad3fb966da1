import { getEventListeners } from 'node:events'
import * as Y from 'yjs'

/** Listeners of one kind that a document or a signal may have at once: one each for a room, a writer, a client and its views. */
const maxOfDocument = 12
/** One each for what waits at once under it; a signal of a whole server has many. */
const maxOfSignal = 250

/**
 * Watches from here on how many listeners documents and signals have: those
 * that are never taken away cost every change, and keep what they close over.
 * `found` says where there were too many; `stop` ends the watching.
 */
export function watchListeners({ ofDocument = maxOfDocument, ofSignal = maxOfSignal } = {}): {
  found: () => string[]
  stop: () => void
} {
  const found = new Set<string>()
  const documents = Y.Doc.prototype as { on?: unknown }
  const { on } = Y.Doc.prototype
  documents.on = function (this: Y.Doc, name: never, listener: never) {
    const result: unknown = on.call(this, name, listener)
    const count = (this._observers as Map<string, Set<unknown>>).get(name)!.size
    if (count > ofDocument) found.add(`more than ${ofDocument} listeners for ${name} on one document`)
    return result
  }
  const signals = AbortSignal.prototype as Partial<EventTarget>
  const { addEventListener } = AbortSignal.prototype
  signals.addEventListener = function (this: AbortSignal, ...listening: Parameters<typeof addEventListener>) {
    addEventListener.apply(this, listening)
    if (getEventListeners(this, listening[0]).length > ofSignal)
      found.add(`more than ${ofSignal} listeners for ${listening[0]} on one signal`)
  }
  return {
    found: () => [...found],
    stop: () => {
      documents.on = on
      signals.addEventListener = addEventListener
    },
  }
}
