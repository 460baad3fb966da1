// `npm run build`: dist/ with JavaScript and types of server, client, shared and testing, the page, and of all these the
// packages that are published: dist/packages/{client,core,testing}.
import { chmodSync, copyFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { endLike, main, run } from './child.mjs'
import { ensureInstalled } from './install.mjs'
import { root } from './node.mjs'
import { ensurePage } from './page.mjs'

main(async () => {
  const node = await ensureInstalled()
  for (const folder of ['server', 'client', 'shared', 'testing', 'commonjs'])
    rmSync(join(root, 'dist', folder), { recursive: true, force: true })
  // The fake provider alone is for CommonJS, too: whoever tests with it may have an old Node, or jest.
  for (const config of ['tsconfig.build.json', 'tsconfig.commonjs.json']) {
    const compiled = await run(node, [join(root, 'node_modules/typescript/bin/tsc'), '-p', config], { cwd: root })
    if (compiled.code !== 0) endLike(compiled)
  }
  writeFileSync(join(root, 'dist/commonjs/package.json'), '{ "type": "commonjs" }\n')
  for (const file of ['runnel.cjs', 'runnel-start.cjs'])
    copyFileSync(join(root, 'scripts', file), join(root, 'dist', file))
  for (const program of ['runnel.cjs', 'server/main.js', 'testing/command.js'])
    chmodSync(join(root, 'dist', program), 0o755)
  await ensurePage(node)
  const packed = await run(node, ['--disable-warning=ExperimentalWarning', join(root, 'scripts/packages.ts')])
  if (packed.code !== 0) endLike(packed)
})
