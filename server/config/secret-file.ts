import { readFileSync, statSync } from 'node:fs'

const maxBytes = 65_536

/** What a file of a secret says, without the line's end that editors put behind it; or what is wrong with it, never the content. */
export function readSecretFile(path: string): { value: string } | { fault: string } {
  try {
    const stat = statSync(path)
    if (!stat.isFile()) return { fault: 'it names no file' }
    if (stat.size > maxBytes) return { fault: `the file that it names is larger than ${maxBytes} bytes` }
    const value = readFileSync(path, 'utf8').replace(/\r?\n$/, '')
    return value === '' ? { fault: 'the file that it names is empty' } : { value }
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : 'unknown'
    return { fault: `the file that it names cannot be read (${code})` }
  }
}
