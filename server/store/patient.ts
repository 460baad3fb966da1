import type { Patience } from '../waiting/patience.ts'
import type { Store } from './store.ts'

/** The store for what has begun: each call waits for a store that is away, until `signal`. Its log and its probe are as they were. */
export function patientStore(store: Store, patience: Patience, signal?: AbortSignal): Store {
  if (patience.ms === 0) return store
  const patient = Object.entries(store).map(([name, method]) => [
    name,
    typeof method !== 'function' || name === 'close' || name === 'probe'
      ? (method as unknown)
      : (...args: unknown[]) =>
          patience.keep(() => (method as (...args: unknown[]) => Promise<unknown>)(...args), signal),
  ])
  return Object.fromEntries(patient) as Store
}
