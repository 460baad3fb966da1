/**
 * A server with tools that is there to be killed. `tool-child.ts <folder> [silent]`: its database is there, and the
 * file `runs` with a line for each time that a tool ran. The question says what happens; each word that the model
 * says is numbered, and it goes on with the number that comes next. `silent`: it says nothing at all.
 */
import { randomUUID } from 'node:crypto'
import { appendFileSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { z } from 'zod'
import { createRunnel } from '../../server/app/app.ts'
import { defineTool } from '../../server/extension/tool.ts'
import type { PromptItem, Provider, ProviderEvent } from '../../server/provider/events.ts'

const [folder, silent] = process.argv.slice(2) as [string, string?]
const wordsOfRound = 10

const tool = (name: string, work: () => AsyncGenerator<string>, approval = false) =>
  defineTool({
    name,
    description: 'Leaves a trace.',
    parameters: z.object({}),
    approval,
    async *execute(_args, { callId }) {
      appendFileSync(join(folder, 'runs'), `${callId}\n`)
      yield* work()
    },
  })

const tools = [
  tool('work', async function* () {
    for (let i = 0; i < 5; i++) {
      yield `line ${i}\n`
      await sleep(5)
    }
  }),
  tool('hang', async function* () {
    yield 'begun'
    await new Promise(() => {})
  }),
  tool(
    'pay',
    async function* () {
      yield 'paid'
    },
    true,
  ),
  tool('fall', async function* () {
    process.kill(process.pid, 'SIGKILL')
    yield 'never'
  }),
]

/** Two rounds of two calls of `work`, calls of what the question names; or, to `pause`, half a text. Then the answer. */
const model: Provider = async function* (request, signal) {
  if (silent) await never(signal)
  const question = request.prompt.find((item) => item.role === 'user')!.text
  const answers = request.prompt.filter(
    (item): item is Extract<PromptItem, { role: 'assistant' }> => item.role === 'assistant',
  )
  const round = answers.filter(({ toolCalls }) => toolCalls).length
  const begun = answers.at(-1)?.toolCalls ? '' : (answers.at(-1)?.text ?? '')
  yield { type: 'block_start', key: 't', block: { type: 'text', status: 'in_progress' } }
  for (let i = begun.split(' ').length - 1; i < wordsOfRound; i++) {
    if (question === 'pause' && begun === '' && i === 5) await never(signal)
    yield { type: 'delta', key: 't', field: 'text', text: `${round}.${i} ` }
    await sleep(3)
  }
  yield { type: 'block_end', key: 't', status: 'completed' }
  const calls =
    question === 'rounds'
      ? round < 2
        ? ['work', 'work']
        : []
      : round < 1 && question !== 'pause'
        ? question.split(' and ')
        : []
  for (const [index, name] of calls.entries()) yield* callEvents(`c${index}`, name)
  yield { type: 'finish', reason: calls.length > 0 ? 'tool_calls' : 'stop' }
}

function never(signal: AbortSignal): Promise<never> {
  return new Promise((_resolve, reject) => signal.addEventListener('abort', () => reject(signal.reason as Error)))
}

function* callEvents(key: string, name: string): Generator<ProviderEvent> {
  yield {
    type: 'block_start',
    key,
    block: { type: 'tool_call', status: 'streaming', callId: `call_${randomUUID()}`, name, executor: 'client' },
  }
  yield { type: 'delta', key, field: 'arguments', text: '{}' }
  yield { type: 'block_end', key, status: 'pending' }
}

const runnel = createRunnel({
  HOST: '127.0.0.1',
  PORT: 0,
  DATABASE_URL: `sqlite:${folder}/runnel.db`,
  LOG_LEVEL: 'error',
  RUNNEL_FLUSH_MS: 2,
  provider: model,
  tools,
})
const { url } = await runnel.listen()
writeSync(1, `${url}\n`)
