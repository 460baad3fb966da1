import { fileTypeFromBuffer } from 'file-type'
import type { Stored } from './files.ts'

/** Text whose name or declaration says one of these is that; all other text is plain, whatever it says: HTML and SVG, too. */
const textTypes = new Map(
  Object.entries({
    md: 'text/markdown',
    markdown: 'text/markdown',
    csv: 'text/csv',
    json: 'application/json',
  }),
)

/** What a page made of them could run. */
const active = /xml|html|svg|script|^text\//

/** The type that the bytes are: never the one that the sender says, except among kinds of harmless text. */
export async function sniff({ head, isText }: Stored, name: string, declared: string): Promise<string> {
  const found = await fileTypeFromBuffer(head).catch(() => undefined)
  if (found && !active.test(found.mime) && found.mime !== 'application/json') return found.mime
  if (!isText) return 'application/octet-stream'
  const ending = /\.(\w+)$/.exec(name)?.[1]?.toLowerCase() ?? ''
  return textTypes.get(ending) ?? ([...textTypes.values()].includes(declared) ? declared : 'text/plain')
}
