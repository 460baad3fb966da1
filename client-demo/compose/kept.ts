/** JSON in the browser's storage. If that is forbidden or full, the value lasts only as long as the tab. */
export function keep(name: string, value: unknown, storage = localStorage): void {
  try {
    storage.setItem(name, JSON.stringify(value))
  } catch {
    // Full, or forbidden.
  }
}

export function forget(name: string, storage = localStorage): void {
  try {
    storage.removeItem(name)
  } catch {
    // Forbidden.
  }
}

/** Null: there is none, or another version of the page wrote it. */
export function kept<Value>(name: string, storage = localStorage): Value | null {
  try {
    return JSON.parse(storage.getItem(name) ?? 'null') as Value | null
  } catch {
    return null
  }
}

export function keptNames(start: string): string[] {
  try {
    return Object.keys(localStorage).filter((name) => name.startsWith(start))
  } catch {
    return []
  }
}
