/**
 * How far a text was read to tell what begins where. With another text up to there something else may begin; and
 * where the text ended before it was told, more of it may tell.
 */
export class Lookahead {
  readonly #length: number
  readonly #looks: { at: number; to: number }[] = []

  /** `length`: of the text. What is read of it is always its rest. */
  constructor(length: number) {
    this.#length = length
  }

  /** What `rest` begins with is told by its first `to` characters; infinite: by more than there is. */
  look(rest: string, to: number): void {
    const at = this.#length - rest.length
    this.#looks.push({ at, to: at + to })
  }

  /** The same where a blank line tells it, or `most` characters without one. */
  lookForBlank(rest: string, most: number): void {
    const blank = /\n[ \t]*\n/.exec(rest.slice(0, most))
    if (blank) this.look(rest, blank.index + blank[0].length)
    else this.look(rest, rest.length > most ? most + 1 : Infinity)
  }

  /** For each of the blocks that the text is, how far was read behind it. */
  beyond(tokens: readonly { raw: string }[]): number[] {
    let next = 0
    let end = 0
    return tokens.map(({ raw }) => {
      end += raw.length
      let far = end
      for (; next < this.#looks.length && this.#looks[next]!.at < end; next++)
        far = Math.max(far, this.#looks[next]!.to)
      return far - end
    })
  }
}
