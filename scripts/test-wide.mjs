// `npm run test:wide -- PART`: the tests of tests/wide/PART, which take too long for `npm test`. Each part takes ten
// minutes at the most. Without a part it names those that there are.
import { readdirSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { endLike, main, run } from './child.mjs'
import { ensureInstalled } from './install.mjs'
import { ensureNeeds } from './needs.mjs'
import { root } from './node.mjs'
import { ensurePage } from './page.mjs'

main(async () => {
  const parts = readdirSync(join(root, 'tests/wide'), { withFileTypes: true }).flatMap((entry) =>
    entry.isDirectory() ? [entry.name] : [],
  )
  const [part, ...filters] = process.argv.slice(2)
  if (part === undefined || !parts.includes(part)) {
    console.error(`${part === undefined ? 'Name a part' : `There is no part ${part}`}: ${parts.join(', ')}.`)
    process.exitCode = 2
    return
  }
  const node = await ensureInstalled()
  await ensureNeeds(part)
  await ensurePage(node)
  const result = await run(
    node,
    [join(root, 'node_modules/vitest/vitest.mjs'), 'run', '--project', 'wide', `tests/wide/${part}/`, ...filters],
    {
      cwd: root,
      env: {
        ...process.env,
        PATH: [join(root, 'node_modules/.bin'), process.env.PATH].join(delimiter),
        RUNNEL_TEST_WIDE: '1',
      },
    },
  )
  if (result.signal !== null) endLike(result)
  process.exitCode = result.code ?? 1
})
