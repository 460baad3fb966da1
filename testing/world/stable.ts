/** A form of a message, or of any JSON of the API, that is the same in each run of a test: for snapshots. */

/** Names of fields that are times, epoch ms. */
const times = /^at$|At$/
/** The server's ids: a kind, and 20 characters that are drawn by lot. */
const drawn = /\b(?:msg|chat|task|invite|file|hold)_[A-Za-z0-9_-]{20}(?![A-Za-z0-9_-])/g

/** Gives counted ids: the first message is `msg_1`, the second `msg_2`, and each one the same wherever it stands. */
export function counted(): (id: string) => string {
  const given = new Map<string, string>()
  const counts = new Map<string, number>()
  return (id) => {
    const known = given.get(id)
    if (known !== undefined) return known
    const kind = id.slice(0, id.indexOf('_'))
    const count = (counts.get(kind) ?? 0) + 1
    counts.set(kind, count)
    const name = `${kind}_${count}`
    given.set(id, name)
    return name
  }
}

/** A copy with counted ids, and with 0 for each time. Of several values that belong together, pass the same `ids`. */
export function stable<T>(value: T, { ids = counted() }: { ids?: (id: string) => string } = {}): T {
  const copy = (value: unknown, key: string): unknown => {
    if (typeof value === 'number') return times.test(key) ? 0 : value
    if (typeof value === 'string') return value.replaceAll(drawn, (id) => ids(id))
    if (Array.isArray(value)) return value.map((entry) => copy(entry, key))
    if (typeof value !== 'object' || value === null) return value
    return Object.fromEntries(
      Object.entries(value).map(([name, entry]) => [name.replaceAll(drawn, (id) => ids(id)), copy(entry, name)]),
    )
  }
  return copy(value, '') as T
}
