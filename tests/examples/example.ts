/** Starts an example as its README says, on a free port, and ends it with its test. */
import { spawn } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { onTestFinished } from 'vitest'
import type { Message } from '../../shared/schema.ts'

const root = fileURLToPath(new URL('../../', import.meta.url))

export interface Example {
  /** As its first line of output has it. */
  url: string
  call(
    method: string,
    path: string,
    body?: object,
    headers?: Record<string, string>,
  ): Promise<{ status: number; headers: Headers; text: string; body: any }>
  /** A chat with a question; waits until the answer has one of these statuses. */
  ask(content: string, statuses?: string[], base?: string, headers?: Record<string, string>): Promise<Message>
  /** Its exit code. */
  end(): Promise<number | null>
}

export async function startExample(args: string[], env: Record<string, string> = {}): Promise<Example> {
  const folder = await mkdtemp(join(tmpdir(), 'runnel-example-'))
  const child = spawn(
    process.execPath,
    args.map((arg) => (arg.endsWith('.ts') ? join(root, arg) : arg)),
    {
      cwd: folder,
      env: { ...process.env, PORT: '0', LOG_LEVEL: 'error', ...env },
      stdio: ['ignore', 'pipe', 'inherit'],
    },
  )
  const ended = new Promise<number | null>((resolve) => child.on('close', (code) => resolve(code)))
  const end = () => {
    child.kill('SIGTERM')
    return ended
  }
  onTestFinished(async () => {
    await end()
    await rm(folder, { recursive: true, force: true })
  })
  const line = await new Promise<string>((resolve, reject) => {
    createInterface({ input: child.stdout }).once('line', resolve)
    void ended.then((code) => reject(new Error(`${args.join(' ')} ended with ${code}`)))
  })
  const url = /http:\/\/\S+/.exec(line)![0]

  const call: Example['call'] = async (method, path, body, headers = {}) => {
    const response = await fetch(url + path, {
      method,
      redirect: 'manual',
      headers: { 'content-type': 'application/json', connection: 'close', ...headers },
      ...(body && { body: JSON.stringify(body) }),
    })
    const text = await response.text()
    return {
      status: response.status,
      headers: response.headers,
      text,
      body: response.headers.get('content-type')?.includes('json') ? JSON.parse(text) : undefined,
    }
  }
  return {
    url,
    call,
    end,
    ask: async (content, statuses = ['completed'], base = '', headers = {}) => {
      const {
        body: { id },
      } = await call('POST', `${base}/api/chats`, {}, headers)
      const {
        body: { messageId },
      } = await call('POST', `${base}/api/chats/${id}/messages`, { content }, headers)
      return await untilStatus({ call }, messageId, statuses, base, headers)
    },
  }
}

export async function untilStatus(
  example: Pick<Example, 'call'>,
  messageId: string,
  statuses: string[],
  base = '',
  headers: Record<string, string> = {},
): Promise<Message> {
  const wanted = statuses.join(' or ')
  return await untilMessage(example, messageId, wanted, ({ status }) => statuses.includes(status), base, headers)
}

export async function untilMessage(
  { call }: Pick<Example, 'call'>,
  messageId: string,
  wanted: string,
  match: (message: Message) => boolean,
  base = '',
  headers: Record<string, string> = {},
): Promise<Message> {
  const deadline = Date.now() + 20_000
  for (;;) {
    const { body } = await call('GET', `${base}/api/messages/${messageId}`, undefined, headers)
    if (match(body)) return body
    if (Date.now() > deadline) throw new Error(`The message is ${body.status}, not ${wanted}.`)
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
}
