import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { gzipSync } from 'node:zlib'

const root = fileURLToPath(new URL('../../', import.meta.url))

/** As `npm start` does, unless it is built already. */
export function buildPage(): void {
  const program = `const { ensurePage } = await import('./scripts/page.mjs'); await ensurePage(process.execPath)`
  const { status, stderr } = spawnSync(process.execPath, ['--input-type=module', '--eval', program], {
    cwd: root,
    encoding: 'utf8',
  })
  if (status !== 0) throw new Error(`The page could not be built: ${stderr}`)
}

/** What a browser must have before the page draws anything: the script of its HTML with all that it imports at once, kB. */
export function scriptsBeforePaint(): number {
  const html = readFileSync(`${root}dist/page/index.html`, 'utf8')
  const needed = new Set([...html.matchAll(/(?:src|href)="\.\/(assets\/[^"]+\.js)"/g)].map(([, name]) => name!))
  for (const name of needed) {
    const code = readFileSync(`${root}dist/page/${name}`, 'utf8')
    for (const [, other] of code.matchAll(/(?:from|import)\s*"\.\/([^"]+\.js)"/g)) needed.add(`assets/${other}`)
  }
  return [...needed].reduce((sum, name) => sum + gzipSync(readFileSync(`${root}dist/page/${name}`)).length, 0) / 1_000
}
