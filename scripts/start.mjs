// `npm start`: from a fresh clone to a running server; the second time it only looks whether anything changed.
import { join } from 'node:path'
import { endLike, endWithNpm, main, run } from './child.mjs'
import { ensureInstalled } from './install.mjs'
import { root } from './node.mjs'
import { ensurePage } from './page.mjs'

main(async () => {
  const node = await ensureInstalled()
  await ensurePage(node)

  endWithNpm()
  const [lifeline, sources] = ['lifeline.mjs', 'sources.mjs'].map((file) => new URL(file, import.meta.url).href)
  const result = await run(
    node,
    [
      '--disable-warning=ExperimentalWarning',
      `--import=${lifeline}`,
      `--import=${sources}`,
      join(root, 'server/main.ts'),
      ...process.argv.slice(2),
    ],
    {
      // A process group of its own: a Ctrl-C then reaches the server from here only, once.
      detached: process.platform !== 'win32',
      stdio: ['inherit', 'inherit', 'inherit', 'pipe'],
      env: { ...process.env, RUNNEL_LIFELINE_FD: '3' },
    },
  )
  endLike(result)
})
