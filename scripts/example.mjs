// `npm run example -- <name> [argument …]`: runs examples/<name>/main.ts from a fresh clone, on a Node that can.
import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { endLike, endWithNpm, main, run, Unready } from './child.mjs'
import { ensureInstalled } from './install.mjs'
import { root } from './node.mjs'
import { ensurePage } from './page.mjs'

const programOf = (name) => join(root, 'examples', name, 'main.ts')

main(async () => {
  const [name, ...args] = process.argv.slice(2)
  const names = readdirSync(join(root, 'examples')).filter((entry) => existsSync(programOf(entry)))
  if (!names.includes(name)) throw new Unready(`npm run example -- <name>, where the name is ${names.join(' or ')}.`)
  const node = await ensureInstalled()
  await ensurePage(node)
  endWithNpm()
  endLike(await run(node, ['--disable-warning=ExperimentalWarning', programOf(name), ...args]))
})
