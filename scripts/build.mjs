// `npm run build`: dist/ with JavaScript and types of server, client, shared and testing, the page, and of all these the
// packages that are published: dist/packages/{client,core,testing}.
import { chmodSync, copyFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { endLike, main, run } from './child.mjs'
import { ensureInstalled } from './install.mjs'
import { root } from './node.mjs'
import { ensurePage } from './page.mjs'

main(async () => {
  const node = await ensureInstalled()
  for (const folder of ['server', 'client', 'shared', 'testing'])
    rmSync(join(root, 'dist', folder), { recursive: true, force: true })
  const compiled = await run(node, [join(root, 'node_modules/typescript/bin/tsc'), '-p', 'tsconfig.build.json'], {
    cwd: root,
  })
  if (compiled.code !== 0) endLike(compiled)
  for (const file of ['runnel.cjs', 'runnel-start.cjs'])
    copyFileSync(join(root, 'scripts', file), join(root, 'dist', file))
  for (const program of ['runnel.cjs', 'server/main.js']) chmodSync(join(root, 'dist', program), 0o755)
  await ensurePage(node)
  const packed = await run(node, ['--disable-warning=ExperimentalWarning', join(root, 'scripts/packages.ts')])
  if (packed.code !== 0) endLike(packed)
})
