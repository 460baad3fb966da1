import { onTestFinished } from 'vitest'
import { startFakeOpenAI, type FakeOpenAI, type FakeOpenAIOptions } from '../../testing/openai/index.ts'

/** A fake for one test, closed behind it. */
export async function start(options?: FakeOpenAIOptions): Promise<FakeOpenAI> {
  const fake = await startFakeOpenAI(options)
  closeAfterwards(() => fake.close())
  return fake
}

// Not by a hook of this file: a worker that keeps what it has loaded would have it for its first file only.
export function closeAfterwards(close: () => Promise<void>): void {
  onTestFinished(close)
}

export const hello = { model: 'm', messages: [{ role: 'user', content: 'Hello' }] }

export function post(url: string, body: unknown, headers: Record<string, string> = {}): Promise<Response> {
  return fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: typeof body === 'string' ? body : JSON.stringify(body),
    signal: AbortSignal.timeout(5_000),
  })
}

/** The text of a whole answer, or the status and what was said. */
export async function ask(url: string, body: object = hello, headers?: Record<string, string>): Promise<string> {
  const path = 'input' in body ? '/responses' : '/chat/completions'
  const answered = await post(url + path, body, headers)
  const said = (await answered.json()) as any
  if (!answered.ok) return `${answered.status}: ${said.error.message}`
  return said.choices ? said.choices[0].message.content : said.output[0].content[0].text
}
