import { useSyncExternalStore } from 'react'

/** State that this tab keeps for each chat beside the chat itself. The value is the same object until it is set. */
export class PerChat<Value> {
  readonly #values = new Map<string, Value>()
  readonly #listeners = new Set<() => void>()

  get(chatId: string): Value | null {
    return this.#values.get(chatId) ?? null
  }

  set(chatId: string, value: Value | null): void {
    if (value === null) this.#values.delete(chatId)
    else this.#values.set(chatId, value)
    for (const listener of this.#listeners) listener()
  }

  readonly subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }
}

/** The part of the value that `select` reads. Renders only when that part changes. */
export function usePerChat<Value, Read>(
  store: PerChat<Value>,
  chatId: string,
  select: (value: Value | null) => Read,
): Read {
  return useSyncExternalStore(store.subscribe, () => select(store.get(chatId)))
}
