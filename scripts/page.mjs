import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { endLike, run, Unready } from './child.mjs'
import { compressFolder } from './compress.mjs'
import { root } from './node.mjs'

const SOURCES = [
  'client-demo',
  'client',
  'shared',
  'scripts/compress.mjs',
  'scripts/page-shell.ts',
  'vite.config.ts',
  'vite.diagram.config.ts',
  'tsconfig.json',
  'package-lock.json',
]
const stampFile = join(root, 'node_modules/.cache/runnel/page')

/** Builds dist/page unless it was built from the same sources. */
export async function ensurePage(node) {
  const wanted = hashOf(SOURCES)
  if (
    existsSync(join(root, 'dist/page/index.html')) &&
    existsSync(stampFile) &&
    readFileSync(stampFile, 'utf8') === wanted
  )
    return

  rmSync(stampFile, { force: true })
  console.log('Building the page …')
  for (const config of ['vite.config.ts', 'vite.diagram.config.ts']) {
    const vite = join(root, 'node_modules/vite/bin/vite.js')
    const result = await run(node, [vite, 'build', '--config', join(root, config), '--logLevel', 'warn'], {
      cwd: root,
      quiet: true,
    })
    if (result.signal !== null) endLike(result)
    if (result.code !== 0) {
      console.error(result.output.trim())
      throw new Unready('the page could not be built (the reason is above).')
    }
  }
  compressFolder(join(root, 'dist/page/assets'))
  mkdirSync(dirname(stampFile), { recursive: true })
  writeFileSync(stampFile, wanted)
}

function hashOf(paths) {
  const hash = createHash('sha256')
  for (const path of paths.flatMap(filesBelow)) {
    const content = readFileSync(join(root, path))
    hash.update(`${path}\0${content.length}\0`).update(content)
  }
  return hash.digest('hex')
}

function filesBelow(path) {
  const full = join(root, path)
  if (!existsSync(full)) return []
  let entries
  try {
    entries = readdirSync(full).sort()
  } catch (error) {
    if (error.code === 'ENOTDIR') return [path]
    throw error
  }
  return entries.flatMap((name) => filesBelow(`${path}/${name}`))
}
