import { RunnelError } from '../shared/errors.ts'
import type { Api, HttpApi } from './api.ts'
import type * as later from './later.ts'

export type Later = typeof later

let loading: Promise<Later> | undefined

/** Throws `internal` where it cannot be loaded; the next call tries again. */
export function loadLater(): Promise<Later> {
  loading ??= import('./later.ts').catch((cause: unknown) => {
    loading = undefined
    throw new RunnelError('internal', 'A part of this page cannot be loaded.', { cause })
  })
  return loading
}

/** The value of the first call that did not throw. */
export function once<T>(make: () => Promise<T>): () => Promise<T> {
  let made: Promise<T> | undefined
  return () => {
    made ??= make().catch((error: unknown) => {
      made = undefined
      throw error
    })
    return made
  }
}

/** Each method as it is, when it is there. */
export function laterApi(load: () => Promise<HttpApi>): Api {
  type Calls = Record<string | symbol, (...given: unknown[]) => Promise<unknown>>
  const calls: Calls = {}
  return new Proxy(calls, {
    // One that is awaited is no promise.
    get: (known, name) =>
      name === 'then'
        ? undefined
        : (known[name] ??= (...given) => load().then((api) => (api as unknown as Calls)[name]!(...given))),
  }) as unknown as Api
}
