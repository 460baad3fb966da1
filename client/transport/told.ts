/**
 * What happens to chats is told on every line: while there are two, each event comes on both, and in the order of its
 * line. Counted by line: as often as another has told it already it is a repeat.
 */
export class Told {
  readonly #counts = new Map<string, Map<object, number>>()

  isRepeated(event: string, line: object): boolean {
    const byLine = this.#counts.get(event) ?? new Map<object, number>()
    this.#counts.set(event, byLine)
    const most = Math.max(0, ...byLine.values())
    const count = (byLine.get(line) ?? 0) + 1
    byLine.set(line, count)
    return count <= most
  }
}
