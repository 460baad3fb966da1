import { RunnelError } from '../shared/errors.ts'
import { documentKind } from '../shared/schema.ts'
import type { DocumentState } from './api-types.ts'
import { HttpApi } from './api.ts'
import type { ApiOptions } from './http.ts'

/** So long the head of an answer may take before the line is asked instead. */
const patienceMs = 3_000
/** And so long all of it. */
const wholeMs = 30_000

/** Documents as they are, over HTTP: text is there before the line is, and what the line does not carry is read at all. */
export class States {
  readonly #api: HttpApi

  constructor(options: ApiOptions) {
    const { fetch = globalThis.fetch.bind(globalThis) } = options
    this.#api = new HttpApi({ ...options, fetch: impatient(fetch) })
  }

  /** Throws RunnelError, or the signal's reason. */
  async read(id: string, signal: AbortSignal): Promise<DocumentState> {
    const state = await within(wholeMs, signal, (signal) =>
      documentKind(id) === 'chat' ? this.#api.getChatState(id, { signal }) : this.#api.getMessageState(id, { signal }),
    )
    // What stands between may keep headers for itself. Without it nobody could say of which history this is.
    if (state.lineage === '') throw new RunnelError('internal', 'The answer does not say its lineage.')
    return state
  }
}

function impatient(fetch: typeof globalThis.fetch): typeof globalThis.fetch {
  return (input, init) => within(patienceMs, init!.signal!, (signal) => fetch(input, { ...init, signal }))
}

/** The signal stays with what `work` returns, and time ends when that is there. */
async function within<T>(ms: number, signal: AbortSignal, work: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const ending = new AbortController()
  const end = () => ending.abort(signal.reason)
  signal.addEventListener('abort', end, { once: true })
  if (signal.aborted) end()
  const timer = setTimeout(() => ending.abort(), ms)
  try {
    return await work(ending.signal)
  } finally {
    clearTimeout(timer)
  }
}
