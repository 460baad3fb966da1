/**
 * A node that is there to be killed or stopped. It is loaded when it is made; one line on its standard input, its
 * settings, starts it. `TOOL_RUNS`: the file that its tool `pay` leaves a line in; `TOOL_FALLS`: and is killed. `TOLD`: the file that gets a line for each end that is told.
 * `FALL`: the call of its store at which it is killed.
 */
import { once } from 'node:events'
import { appendFileSync, writeSync } from 'node:fs'
import { createInterface } from 'node:readline'
import { z } from 'zod'
import { createRunnel } from '../../server/app/app.ts'
import { defineTool } from '../../server/extension/tool.ts'
import { unlimited } from '../../testing/runnel.ts'
import { fallingStore, type Fall } from './falling-store.ts'

const [line] = await once(createInterface({ input: process.stdin }), 'line')
const { TOOL_RUNS, TOOL_FALLS, TOLD, FALL, ...settings } = JSON.parse(line as string) as {
  FALL?: Fall
  DATABASE_URL: string
  TOOL_RUNS?: string
  TOOL_FALLS?: boolean
  TOLD?: string
}
const pay = defineTool({
  name: 'pay',
  description: '',
  parameters: z.object({}),
  approval: true,
  execute: () => {
    appendFileSync(TOOL_RUNS!, 'paid\n')
    if (TOOL_FALLS) process.kill(process.pid, 'SIGKILL')
    return 'paid'
  },
})
const runnel = createRunnel({
  HOST: '127.0.0.1',
  PORT: 0,
  ...unlimited,
  ...settings,
  ...(FALL && { store: fallingStore(settings.DATABASE_URL, FALL) }),
  ...(TOOL_RUNS !== undefined && { tools: [pay] }),
  ...(TOLD !== undefined && {
    onMessageEnd: ({ id }) => {
      appendFileSync(TOLD, `${id}\n`)
      process.kill(process.pid, 'SIGKILL')
    },
  }),
})
writeSync(1, `${(await runnel.listen()).url}\n`)
