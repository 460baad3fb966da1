/** The list of one provider, read again and again in the background. */
import { isRunnelError, RunnelError } from '../../shared/errors.ts'
import { fetchAddress } from '../secrets/fetch-address.ts'
import { unlessAborted } from '../waiting/race.ts'
import { backOff, pause } from '../waiting/retry.ts'
import type { ListedModel } from './events.ts'

/** Between two tries of a list that could not be read. */
const listBackOff = { firstMs: 1_000, longestMs: 60_000 } as const

interface ModelListOptions {
  read: (signal: AbortSignal) => Promise<readonly ListedModel[]>
  /** How long one that was read counts as new. */
  listMs: number
  /** It could not be read; told once until it can be read again. The last list counts on. */
  onFailure: (error: unknown) => void
  /** It can be read again. */
  onRecovered: () => void
}

/** Nobody waits for it but who asks for what it may name: see `firstTry`. */
export class ModelList {
  #models: ReadonlyMap<string, ListedModel> | undefined
  readonly #options: ModelListOptions
  readonly #closed = new AbortController()
  readonly #first = Promise.withResolvers<void>()
  #tried = false

  constructor(options: ModelListOptions) {
    this.#options = options
    void this.#keep()
  }

  /** By id, in the order of the provider. Undefined: it was never read. */
  get models(): ReadonlyMap<string, ListedModel> | undefined {
    return this.#models
  }

  get tried(): boolean {
    return this.#tried
  }

  /** Resolves when it was read, or could not be read, for the first time. Never rejects. */
  get firstTry(): Promise<void> {
    return this.#first.promise
  }

  close(): void {
    this.#closed.abort()
    this.#first.resolve()
  }

  async #keep(): Promise<void> {
    const { read, listMs, onFailure, onRecovered } = this.#options
    const { signal } = this.#closed
    for (let failures = 0; !signal.aborted;) {
      try {
        const models = await unlessAborted(signal, () => read(signal))
        if (failures > 0) onRecovered()
        this.#models = new Map(models.map((model) => [model.id, model]))
        failures = 0
      } catch (error) {
        if (signal.aborted) return
        failures += 1
        if (failures === 1) onFailure(error)
      }
      this.#tried = true
      this.#first.resolve()
      await pause(failures > 0 ? Math.min(listMs, backOff(failures, listBackOff)) : listMs, signal)
    }
  }
}

const maxBytes = 16_000_000
const readMs = 15_000

/** `GET /models`, as JSON. Throws `provider_…`. */
export async function readModels(
  baseUrl: string,
  headers: Readonly<Record<string, string>>,
  closed: AbortSignal,
): Promise<unknown> {
  const signal = AbortSignal.any([closed, AbortSignal.timeout(readMs)])
  const address = new URL(baseUrl)
  address.pathname = `${address.pathname.replace(/\/$/, '')}/models`
  let response: Response
  try {
    response = await fetchAddress(address, {
      headers: { accept: 'application/json', ...headers },
      redirect: 'manual',
      signal,
    })
  } catch (error) {
    throw new RunnelError('provider_unreachable', 'Its list of models cannot be had: there is no connection.', {
      cause: error,
    })
  }
  if (!response.ok) {
    void response.body?.cancel().catch(() => {})
    throw new RunnelError('provider_error', `Its list of models cannot be had (HTTP ${response.status}).`)
  }
  const parts: Uint8Array[] = []
  let bytes = 0
  try {
    for await (const part of response.body ?? []) {
      bytes += part.length
      if (bytes > maxBytes)
        throw new RunnelError('provider_bad_response', `Its list of models is larger than ${maxBytes} bytes.`)
      parts.push(part)
    }
    return JSON.parse(Buffer.concat(parts).toString()) as unknown
  } catch (error) {
    if (isRunnelError(error)) throw error
    throw new RunnelError('provider_bad_response', 'Its list of models is no JSON, or broke off.', { cause: error })
  }
}
