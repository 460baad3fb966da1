/** A part of a text that the inline parser is given by itself. */
export interface Section {
  readonly text: string
}

/** A section is over at so much, of which most characters weigh 1. */
const maxWeight = 4_000
/** What may open or close something: the work of an inline parser may grow with the square of these. */
const heavy = 10
const weights = new Uint8Array(128).fill(1)
for (const mark of '*_~[]`<!$@') weights[mark.charCodeAt(0)] = heavy
const [space, lineBreak, open, close] = [32, 10, 91, 93]
const toggles: Record<number, number> = { 42: 1, 96: 2, 36: 4 } // * ` $

/**
 * A long text in lengths that the inline parser is given one by one, so that
 * what it costs grows with the text and no faster. Cut at white space where
 * nothing seems open, if there is any. Where a section ends depends on the text up
 * to there: in a text that grows, all but the last stay the same objects, and only the last is cut again.
 */
export class Sections {
  /** Those of the last long text that are over. */
  #over: Section[] = []

  of(text: string): readonly Section[] {
    if (text.length < maxWeight / heavy) return [{ text }]
    let start = 0
    let kept = 0
    for (; kept < this.#over.length && text.startsWith(this.#over[kept]!.text, start); kept++)
      start += this.#over[kept]!.text.length
    const over = this.#over.slice(0, kept)
    for (let end = endOf(text, start); end > 0; end = endOf(text, start)) {
      over.push({ text: text.slice(start, end) })
      start = end
    }
    if (over.length > 0) this.#over = over
    return start < text.length ? [...over, { text: text.slice(start) }] : over
  }
}

/** Where the section ends that begins at `start`; 0 where the text is too short for it. */
function endOf(text: string, start: number): number {
  let weight = 0
  let lastGood = 0
  let lastSpace = 0
  let brackets = 0
  let marks = 0
  for (let i = start; i < text.length; i++) {
    const unit = text.charCodeAt(i)
    const own = weights[unit] ?? 1
    weight += own
    if (own === heavy) {
      if (unit === open) brackets += 1
      else if (unit === close) brackets = Math.max(0, brackets - 1)
      else marks ^= toggles[unit] ?? 0
    } else if (unit === space || unit === lineBreak) {
      lastSpace = i + 1
      if (brackets === 0 && marks === 0) lastGood = i + 1
    }
    if (weight < maxWeight) continue
    // Far enough, since what is left over is weighed again.
    const half = (start + i) / 2
    if (lastGood > half) return lastGood
    return lastSpace > half ? lastSpace : isHigh(unit) ? i : i + 1
  }
  return 0
}

const isHigh = (unit: number) => unit >= 0xd800 && unit <= 0xdbff
