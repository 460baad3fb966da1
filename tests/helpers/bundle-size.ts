import { gzipSync } from 'node:zlib'
import { build, type Rolldown } from 'vite'

/** What a page loads of a program at once, minified and gzipped, and the files of what it loads later. */
export async function bundledBytes(
  folder: string,
  program: string,
): Promise<{ first: number; later: string[]; largest: string }> {
  const result = (await build({
    root: folder,
    configFile: false,
    logLevel: 'error',
    build: { write: false, modulePreload: false, rolldownOptions: { input: 'virtual:page', output: { format: 'es' } } },
    plugins: [
      {
        name: 'page',
        enforce: 'pre',
        resolveId: (id) => (id === 'virtual:page' ? `${folder}/page.js` : null),
        load: (id) => (id === `${folder}/page.js` ? program : null),
      },
    ],
  })) as Rolldown.RolldownOutput
  const chunks = result.output.filter((file) => file.type === 'chunk')
  const first = new Set(chunks.filter((chunk) => chunk.isEntry))
  for (const chunk of first)
    for (const name of chunk.imports) first.add(chunks.find(({ fileName }) => fileName === name)!)
  const modules = [...first].flatMap((chunk) => Object.entries(chunk.modules))
  return {
    first: [...first].reduce((sum, { code }) => sum + gzipSync(code, { level: 9 }).length, 0),
    later: chunks.filter((chunk) => !first.has(chunk)).flatMap(({ modules }) => Object.keys(modules)),
    largest: modules
      .sort(([, a], [, b]) => b.renderedLength - a.renderedLength)
      .slice(0, 12)
      .map(([id, { renderedLength }]) => `${renderedLength} ${id.slice(folder.length)}`)
      .join('\n'),
  }
}
