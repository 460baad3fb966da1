/** JSON in the browser's storage, where that is allowed and has room; what is not kept is lost with the tab. */
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

/** Null: it is not there, or of another version of this page. */
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
