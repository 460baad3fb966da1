/** A server whose runs prepare for a minute, for `preparing.ts`. */
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { createRunnel } from '../server/app/app.ts'
import { unlimited } from '../testing/runnel.ts'

const folder = mkdtempSync(join(tmpdir(), 'runnel-bench-'))
const many = 1_000_000
const runnel = createRunnel({
  ...unlimited,
  HOST: '127.0.0.1',
  PORT: 0,
  DATABASE_URL: `sqlite:${folder}/runnel.db`,
  LOG_LEVEL: 'error',
  RUNNEL_DRAIN_MS: 0,
  RUNNEL_MAX_TASKS: many,
  RUNNEL_MAX_TASKS_PER_USER: many,
  filters: [
    {
      name: 'research',
      inlet: async (_request, { signal, progress }) => {
        progress('Reading the whole web')
        await sleep(60_000, undefined, { signal })
      },
    },
  ],
})
const { url } = await runnel.listen()
console.log(url)
process.stdin.resume()
await once(process.stdin, 'end')
await runnel.close()
rmSync(folder, { recursive: true })
