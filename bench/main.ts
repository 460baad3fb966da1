/** `npm run bench [-- name …]`: a table, and JSON in bench/results.json. Ratios are taken within one run. */
import { execFileSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { cpus } from 'node:os'
import { fileURLToPath } from 'node:url'
import { abusedServer } from './abuse.ts'
import { broadcastCost } from './broadcast.ts'
import { bytesOnTheWire, costAToken } from './cost-a-token.ts'
import { providerDecoding } from './decode.ts'
import { answers } from './answers.ts'
import { auditor, eventsAToken } from './events.ts'
import { idleViewers } from './idle.ts'
import { doorAChunk } from './door.ts'
import { loadOfOneCore } from './load.ts'
import { finishedMessages } from './memory.ts'
import { betweenNodes } from './nodes.ts'
import { answersWhilePreparing } from './preparing.ts'
import { redactedTokens } from './redaction.ts'
import { redisCost } from './redis.ts'
import { returningViewers } from './return.ts'
import { costOfSignIn } from './signed-in.ts'
import { slowViewer } from './slow-viewer.ts'
import { toolArguments } from './tool-arguments.ts'
import type { Bench, Figure } from './harness.ts'

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
  { name: 'return', run: returningViewers },
  { name: 'slow', run: slowViewer },
  { name: 'abuse', run: abusedServer },
  { name: 'idle', run: () => idleViewers() },
  { name: 'memory', run: () => finishedMessages() },
]

const resultMark = 'BENCH RESULT '

/** Each bench has a process of its own: what one leaves in the heap is not the next one's cost. */
function runAlone(name: string): Figure[] {
  const output = execFileSync(process.execPath, [fileURLToPath(import.meta.url), '--only', name], {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  return JSON.parse(output.slice(output.lastIndexOf(resultMark) + resultMark.length)) as Figure[]
}

function line({ name, value, unit, bound, note }: Figure): string {
  const shown = `${Number.isInteger(value) ? value : value.toFixed(2)} ${unit}`.trim()
  const verdict = bound === undefined ? '' : `${value <= bound ? 'within' : 'OVER'} ${bound}`
  return `  ${name.padEnd(72)} ${shown.padStart(16)}  ${verdict.padEnd(16)} ${note ?? ''}`.trimEnd()
}

const [flag, only, ...rest] = process.argv.slice(2)
if (flag === '--only') {
  const figures = await benches.find(({ name }) => name === only)!.run()
  process.stdout.write(`${resultMark}${JSON.stringify(figures)}\n`, () => process.exit())
} else {
  const wanted = [flag, only, ...rest].filter((name) => name !== undefined)
  const results: Record<string, Figure[]> = {}
  console.log(`${cpus().length} × ${cpus()[0]?.model}, Node ${process.version}`)
  for (const { name } of benches) {
    if (wanted.length > 0 && !wanted.includes(name)) continue
    console.log(name)
    results[name] = runAlone(name)
    for (const figure of results[name]) console.log(line(figure))
  }
  writeFileSync(
    new URL('results.json', import.meta.url),
    `${JSON.stringify({ node: process.version, results }, null, 2)}\n`,
  )
}
