/** What may open or close something: the work of an inline parser may grow with the square of these. */
const heavy = /[*_~[\]`<!$@]/
const maxWeight = 4_000
const toggles: Record<string, number> = { '*': 1, '`': 2, $: 4 }

/**
 * A long text in lengths that the inline parser is given one by one, so that
 * what it costs grows with the text and no faster. Cut at white space where
 * nothing seems open, if there is any. Where a section ends depends on the text up
 * to there.
 */
export function sectionsOf(text: string): string[] {
  if (text.length < maxWeight / 10) return [text]
  const sections: string[] = []
  let start = 0
  let weight = 0
  let good = 0
  let space = 0
  let brackets = 0
  let marks = 0
  for (let i = 0; i < text.length; i++) {
    const unit = text[i]!
    if (heavy.test(unit)) {
      weight += 10
      if (unit === '[') brackets += 1
      else if (unit === ']') brackets = Math.max(0, brackets - 1)
      else marks ^= toggles[unit] ?? 0
    } else {
      weight += 1
      if (unit === ' ' || unit === '\n') {
        space = i + 1
        if (brackets === 0 && marks === 0) good = i + 1
      }
    }
    if (weight < maxWeight) continue
    // Far enough, since what is left over is weighed again.
    const half = (start + i) / 2
    const end = good > half ? good : space > half ? space : isHigh(text.charCodeAt(i)) ? i : i + 1
    sections.push(text.slice(start, end))
    start = end
    i = end - 1
    weight = brackets = marks = 0
  }
  if (start < text.length) sections.push(text.slice(start))
  return sections
}

const isHigh = (unit: number) => unit >= 0xd800 && unit <= 0xdbff
