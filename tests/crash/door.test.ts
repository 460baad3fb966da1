/** P1 at the OpenAI door: what its caller read is in the message after `kill -9` at any moment, once. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import OpenAI from 'openai'
import { afterAll, expect, test } from 'vitest'
import type { Message } from '../../shared/schema.ts'
import { expected, transcript } from './script.ts'
import { Victim } from './victim.ts'

const kills = Number(process.env.RUNNEL_TEST_KILLS ?? 4)
const folder = mkdtempSync(join(tmpdir(), 'runnel-crash-door-'))
const path = join(folder, 'runnel.db')
let victim = new Victim()
let next = new Victim()
afterAll(async () => {
  await Promise.all([victim.kill(), next.kill()])
  rmSync(folder, { recursive: true, force: true })
})

test(`keeps what the door's caller read through ${kills} kills`, { timeout: 60_000 + kills * 3_000 }, async () => {
  let seen: { question: string; messageId: string; text: string } | null = null
  let read = 0
  for (let kill = 0; kill <= kills; kill++) {
    // In the middle of a write to the log, or whenever.
    victim.start(
      path,
      kill % 2 === 0
        ? { phase: 'running', sql: 'COMMIT', moment: kill % 4 === 0 ? 'before' : 'after', count: 25 + 4 * kill }
        : undefined,
    )
    const url = (await victim.url)!
    if (seen) {
      const message = (await (await fetch(`${url}/api/messages/${seen.messageId}`)).json()) as Message
      expect(message.status).toBe('interrupted')
      const text = transcript(message)
      expect(text).toBe(expected(seen.question, text.length))
      expect(text.startsWith(seen.text), `${seen.text.length} characters were read, ${text.length} are there`).toBe(
        true,
      )
      read += seen.text.length
    }
    if (kill < kills) {
      seen = await readUntilKilled(url, `q${kill}`, kill)
      expect(seen.text).toBe(expected(seen.question, seen.text.length))
    }
    await victim.kill()
    victim = next
    next = new Victim()
  }
  expect(read).toBeGreaterThan(kills * 100)
})

async function readUntilKilled(url: string, question: string, kill: number) {
  const client = new OpenAI({ apiKey: 'any', baseURL: `${url}/v1`, maxRetries: 0 })
  const { data, response } = await client.chat.completions
    .create({ model: 'm', messages: [{ role: 'user', content: question }], stream: true })
    .withResponse()
  const killed = victim
  void sleep(kill % 2 === 1 ? 30 + kill * 25 : 1_500).then(() => killed.kill())
  let text = ''
  try {
    for await (const {
      choices: [choice],
    } of data) {
      const {
        reasoning_content: reasoning,
        content,
        tool_calls: calls,
      } = choice!.delta as {
        reasoning_content?: string
        content?: string
        tool_calls?: { function: { arguments: string } }[]
      }
      text += (reasoning ?? '') + (content ?? '') + (calls?.[0]?.function.arguments ?? '')
    }
    throw new Error('it ended as if it were whole')
  } catch (error) {
    if ((error as Error).message.includes('whole')) throw error
  }
  return { question, messageId: response.headers.get('x-runnel-message-id')!, text }
}
