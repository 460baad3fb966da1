import { cleanLine } from '../../shared/line.ts'

/** Of a sender's name: one line without folders and characters that turn or hide others. */
export function cleanName(name: string | undefined): string {
  const short = cleanLine((name ?? '').replaceAll(/[/\\]/g, '_'))
  return /^\.*$/.test(short) ? 'file' : short
}
