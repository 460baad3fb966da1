/** `npm run bench [-- name …]`: a table, and JSON in bench/results.json. Ratios are taken within one run. */
import { spawnSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { cpus } from 'node:os'
import { fileURLToPath } from 'node:url'
import { abusedServer } from './abuse.ts'
import { broadcastCost } from './broadcast.ts'
import { bytesOnTheWire, costAToken } from './cost-a-token.ts'
import { providerDecoding } from './decode.ts'
import { answers } from './answers.ts'
import { auditor, eventsAToken } from './events.ts'
import { returningHerd } from './herd.ts'
import { idleViewers } from './idle.ts'
import { doorAChunk } from './door.ts'
import { loadOfOneCore } from './load.ts'
import { finishedMessages } from './memory.ts'
import { betweenNodes } from './nodes.ts'
import { answersWhilePreparing } from './preparing.ts'
import { redactedTokens } from './redaction.ts'
import { redisCost } from './redis.ts'
import { returningViewers } from './return.ts'
import { chatList } from './chat-list.ts'
import { foreignChats } from './search.ts'
import { costOfSignIn } from './signed-in.ts'
import { rowsWithoutContents } from './rows.ts'
import { slowViewer } from './slow-viewer.ts'
import { soak } from './soak.ts'
import { toolArguments } from './tool-arguments.ts'
import type { Bench, Figure } from './harness.ts'
import { MissingProgram } from '../tests/helpers/programs.ts'

const benches: Bench[] = [
  { name: 'cost-a-token', run: costAToken },
  { name: 'redaction', run: redactedTokens },
  { name: 'redis', run: redisCost },
  { name: 'nodes', run: betweenNodes },
  { name: 'wire', run: bytesOnTheWire },
  { name: 'broadcast', run: broadcastCost },
  { name: 'decode', run: providerDecoding },
  { name: 'load', run: () => loadOfOneCore() },
  { name: 'signed-in', run: costOfSignIn },
  { name: 'answers', run: answers },
  { name: 'preparing', run: () => answersWhilePreparing() },
  { name: 'tool-arguments', run: toolArguments },
  { name: 'events', run: async () => [...(await eventsAToken()), ...(await auditor())] },
  { name: 'door', run: doorAChunk },
  // Its browser's library, loaded into this process, costs a token of other benches some 10 µs.
  { name: 'markdown', run: async () => await (await import('./markdown.ts')).markdownInBrowser() },
  { name: 'react', run: async () => await (await import('./react.ts')).reactInBrowser() },
  { name: 'page', run: async () => await (await import('./page.ts')).pageInBrowser() },
  { name: 'return', run: returningViewers },
  { name: 'slow', run: slowViewer },
  { name: 'abuse', run: abusedServer },
  { name: 'herd', run: () => returningHerd() },
  { name: 'search', run: foreignChats },
  { name: 'chat-list', run: chatList },
  { name: 'idle', run: () => idleViewers() },
  { name: 'memory', run: () => finishedMessages() },
  { name: 'soak', run: soak },
  { name: 'rows', run: rowsWithoutContents },
]

/** What came of one of them. `lacking`: a program that this machine does not have. */
type Outcome = { figures: Figure[] } | { lacking: string } | { fault: string }

const resultMark = 'BENCH RESULT '

/** Each bench has a process of its own: what one leaves in the heap is not the next one's cost. */
function runAlone(name: string): Outcome {
  const { stdout, status, signal } = spawnSync(process.execPath, [fileURLToPath(import.meta.url), '--only', name], {
    encoding: 'utf8',
    maxBuffer: 64_000_000,
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const at = (stdout ?? '').lastIndexOf(resultMark)
  if (at >= 0 && status === 0) return JSON.parse(stdout.slice(at + resultMark.length)) as Outcome
  return { fault: `it ended with ${signal ?? status} and without figures` }
}

async function outcomeOf({ run }: Bench): Promise<Outcome> {
  try {
    return { figures: await run() }
  } catch (error) {
    if (error instanceof MissingProgram) return { lacking: error.message }
    const { code, path } = error as { code?: unknown; path?: unknown }
    // A program that no helper looks for.
    if (code === 'ENOENT' && typeof path === 'string') return { lacking: `${path} is missing.` }
    console.error(error)
    return { fault: error instanceof Error ? error.message : String(error) }
  }
}

function line({ name, value, unit, bound, note }: Figure): string {
  const shown = `${Number.isInteger(value) ? value : value.toFixed(2)} ${unit}`.trim()
  const verdict = bound === undefined ? '' : `${value <= bound ? 'within' : 'OVER'} ${bound}`
  return `  ${name.padEnd(72)} ${shown.padStart(16)}  ${verdict.padEnd(16)} ${note ?? ''}`.trimEnd()
}

const [flag, only, ...rest] = process.argv.slice(2)
if (flag === '--only') {
  const outcome = await outcomeOf(benches.find(({ name }) => name === only)!)
  process.stdout.write(`${resultMark}${JSON.stringify(outcome)}\n`, () => process.exit())
} else {
  const wanted = [flag, only, ...rest].filter((name) => name !== undefined)
  const unknown = wanted.filter((name) => !benches.some((bench) => bench.name === name))
  if (unknown.length > 0) {
    console.error(`There is no bench ${unknown.join(', ')}; there are ${benches.map(({ name }) => name).join(', ')}.`)
    process.exit(1)
  }
  const results: Record<string, Figure[]> = {}
  const notMeasured: string[] = []
  console.log(`${cpus().length} × ${cpus()[0]?.model}, Node ${process.version}`)
  for (const { name } of benches) {
    if (wanted.length > 0 && !wanted.includes(name)) continue
    console.log(name)
    const outcome = runAlone(name)
    if ('figures' in outcome) {
      results[name] = outcome.figures
      for (const figure of outcome.figures) console.log(line(figure))
      continue
    }
    const reason = 'lacking' in outcome ? outcome.lacking : `FAILED: ${outcome.fault}`
    if ('fault' in outcome) process.exitCode = 1
    console.log(`  not measured: ${reason}`)
    notMeasured.push(`${name}: ${reason}`)
  }
  if (notMeasured.length > 0) console.log(['Not measured:', ...notMeasured].join('\n  '))
  writeFileSync(
    process.env['RUNNEL_BENCH_RESULTS'] ?? new URL('results.json', import.meta.url),
    `${JSON.stringify({ node: process.version, results, notMeasured }, null, 2)}\n`,
  )
}
