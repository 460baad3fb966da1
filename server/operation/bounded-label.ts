/** A label whose values come from outside: the first `most` of them are told apart, all others are `other`. */
export function boundedLabel(most: number, known: readonly string[] = []): (value: string) => string {
  const values = new Set(known.slice(0, most))
  return (value) => {
    const short = value.slice(0, maxChars)
    if (values.has(short)) return short
    if (values.size >= most) return 'other'
    values.add(short)
    return short
  }
}

const maxChars = 100
