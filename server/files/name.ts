/** Of a sender's name: one line without folders and characters that turn or hide others. */
export function cleanName(name: string | undefined): string {
  const line = (name ?? '')
    .toWellFormed()
    .replaceAll(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, '')
    .replaceAll(/[/\\]/g, '_')
    .trim()
  const short = line.slice(0, 200).toWellFormed()
  return /^\.*$/.test(short) ? 'file' : short
}
