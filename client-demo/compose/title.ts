const longest = 60

/** What a chat is called by its first question, until it has a better name. */
export function titleOf(content: string): string {
  const line = content.trim().split('\n', 1)[0]!.trim()
  return line.length > longest ? `${line.slice(0, longest).toWellFormed().trimEnd()} …` : line
}
