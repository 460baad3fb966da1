/** What a client library made of an answer, and how each is asked for it. */

export interface ObservedCall {
  name: string
  /** As text, or as what it was parsed to. */
  arguments: unknown
}

export interface Observed {
  text: string
  calls: ObservedCall[]
  /** Where the library tells it. */
  finish?: string | null
  reasoning?: string
  refusal?: string
  /** It threw, or said that the answer broke off. */
  failed: boolean
  /** Its words; not compared. */
  failure?: string
}

/** A function that the model may call, with the names of its parameters. */
export interface AskedTool {
  name: string
  keys: string[]
}

export interface Asked {
  /** Ending in `/v1`. */
  baseURL: string
  /** The fake provider answers by it. */
  model: string
  tools: readonly AskedTool[]
}

export interface DoorClient {
  name: string
  /** It runs the calls itself and asks again. */
  asksAgain?: true
  ask: (asked: Asked) => Promise<Observed>
}

export const question = 'Play.'
export const apiKey = 'any'
export const anyObject = { type: 'object', properties: {}, additionalProperties: true } as const

/** Collects an answer, and what it threw. */
export async function observe(read: (observed: Observed) => Promise<void>): Promise<Observed> {
  const observed: Observed = { text: '', calls: [], failed: false }
  try {
    await read(observed)
  } catch (error) {
    fail(observed, error)
  }
  return observed
}

export function fail(observed: Observed, error: unknown): void {
  observed.failed = true
  observed.failure ??= error instanceof Error ? `${error.name}: ${error.message}` : JSON.stringify(error)
}
