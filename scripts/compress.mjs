import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { brotliCompressSync, gzipSync } from 'node:zlib'

/** What is text; pictures and fonts are compressed as they are. */
const texts = /\.(?:js|mjs|css|html|json|svg|txt|wasm|map)$/

/** Writes `x.br` and `x.gz` beside each text of a folder, where that is smaller: servers hand them out as they are. */
export function compressFolder(folder) {
  if (!existsSync(folder)) return
  for (const name of readdirSync(folder, { recursive: true }).filter((name) => texts.test(name))) {
    const content = readFileSync(join(folder, name))
    for (const [ending, small] of [
      ['br', brotliCompressSync(content)],
      ['gz', gzipSync(content, { level: 9 })],
    ])
      if (small.length < content.length) writeFileSync(join(folder, `${name}.${ending}`), small)
  }
}
