const longest = 60

/** A provisional title made of the first question. */
export function titleOf(content: string): string {
  const line = content.trim().split('\n', 1)[0]!.trim()
  return line.length > longest ? `${line.slice(0, longest).toWellFormed().trimEnd()} …` : line
}
