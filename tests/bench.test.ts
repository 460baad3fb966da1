/** `npm run bench` on a machine that lacks a program: it says so, goes on, and tells at the end what it did not measure. */
import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, onTestFinished, test } from 'vitest'

const main = fileURLToPath(new URL('../bench/main.ts', import.meta.url))

function bench(names: string[], env: Record<string, string>) {
  const folder = mkdtempSync(join(tmpdir(), 'runnel-bench-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  const file = join(folder, 'results.json')
  const ended = spawnSync(process.execPath, ['--disable-warning=ExperimentalWarning', main, ...names], {
    env: { ...process.env, RUNNEL_BENCH_RESULTS: file, ...env },
    encoding: 'utf8',
  })
  const results = () => JSON.parse(readFileSync(file, 'utf8')) as { results: object; notMeasured: string[] }
  return { ...ended, results }
}

test('a program that is missing is one line, the next bench runs, and nothing has failed', { timeout: 60_000 }, () => {
  const { status, stdout, stderr, results } = bench(['redis', 'wire'], { PATH: '/nowhere', RUNNEL_TEST_REDIS: '' })
  expect([status, stderr]).toEqual([0, ''])
  expect(stdout).toMatch(/^ {2}not measured: Redis is missing: .+$/m)
  expect(stdout).toMatch(/\nwire\n {2}\S.+ \d/)
  expect(stdout.trimEnd().split('\n').slice(-2)).toEqual([
    'Not measured:',
    expect.stringMatching(/^ {2}redis: Redis is missing/),
  ])
  expect(Object.keys(results().results)).toEqual(['wire'])
  expect(results().notMeasured).toHaveLength(1)
})

test('one that fails is told, too, and so says the exit code', { timeout: 60_000 }, () => {
  const broken = `data:text/javascript,if(process.argv.includes('--only'))process.exit(7)`
  const { status, stdout } = bench(['wire', 'door'], { NODE_OPTIONS: `--import=${broken}` })
  expect(status).toBe(1)
  expect(stdout).toMatch(/Not measured:\n {2}wire: FAILED: it ended with 7 .*\n {2}door: FAILED: /)
})

test('a name that is none', () => {
  const { status, stderr } = bench(['radish'], {})
  expect([status, stderr]).toEqual([
    1,
    expect.stringMatching(/^There is no bench radish; there are cost-a-token, .*\.\n$/),
  ])
})
