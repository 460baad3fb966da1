// `npm test`: sets up what the tests need, then type-check, format, lint and vitest; the last line counts them.
// Arguments go to vitest: `npm test -- tests/room`.
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { endLike, main, run } from './child.mjs'
import { ensureInstalled } from './install.mjs'
import { ensureNeeds } from './needs.mjs'
import { root } from './node.mjs'
import { ensurePage } from './page.mjs'

const CHECKS = [
  {
    name: 'type-check',
    commands: [
      ['typescript/bin/tsc', ['-p', 'tsconfig.json']],
      ['typescript/bin/tsc', ['-p', 'tsconfig.shared.json']],
    ],
  },
  { name: 'format', commands: [['oxfmt/bin/oxfmt', ['--check']]] },
  { name: 'lint', commands: [['oxlint/bin/oxlint', ['--deny-warnings']]] },
]

main(async () => {
  const node = await ensureInstalled()
  await ensureNeeds()
  await ensurePage(node)

  const env = { ...process.env, PATH: [join(root, 'node_modules/.bin'), process.env.PATH].join(delimiter) }
  const step = async (program, args, more) => {
    const result = await run(node, [join(root, 'node_modules', program), ...args], {
      cwd: root,
      env: { ...env, ...more },
    })
    if (result.signal !== null) endLike(result)
    return result.code === 0
  }
  const total = { passed: 0, failed: 0, skipped: 0 }

  for (const check of CHECKS) {
    let passed = true
    for (const [program, args] of check.commands) passed = (await step(program, args)) && passed
    total[passed ? 'passed' : 'failed']++
    console.log(`${passed ? 'passed' : 'FAILED'}: ${check.name}`)
  }

  const folder = mkdtempSync(join(tmpdir(), 'runnel-test-'))
  try {
    const countFile = join(folder, 'count.json')
    // Hundreds of servers are started, and most of them killed before they leave anything in the cache: this one ends by itself, complaining.
    const NODE_COMPILE_CACHE = join(folder, 'compiled')
    await run(node, [join(root, 'server/main.ts')], { quiet: true, env: { ...env, NODE_COMPILE_CACHE, PORT: 'none' } })
    const passed = await step('vitest/vitest.mjs', ['run', ...process.argv.slice(2)], {
      NODE_COMPILE_CACHE,
      RUNNEL_TEST_COUNT_FILE: countFile,
    })
    const count = readCount(countFile)
    for (const key of Object.keys(total)) total[key] += count[key]
    // What no test stands for: an unhandled error, a filter that matches no file, a crash of vitest itself.
    if (!passed && count.failed === 0) total.failed++
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
  console.log(`${total.passed} passed, ${total.failed} failed, ${total.skipped} skipped`)
  process.exitCode = total.failed > 0 ? 1 : 0
})

function readCount(file) {
  try {
    return JSON.parse(readFileSync(file, 'utf8'))
  } catch {
    return { passed: 0, failed: 0, skipped: 0 }
  }
}
