/** Nodes in processes of their own, to be killed and stopped. */
import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { onTestFinished } from 'vitest'

const childFile = fileURLToPath(new URL('./child.ts', import.meta.url))

export class ChildNode {
  readonly process: ChildProcess
  url = ''
  readonly exited: Promise<unknown>

  constructor() {
    this.process = spawn(process.execPath, [childFile], { stdio: ['pipe', 'pipe', 'inherit'] })
    this.exited = once(this.process, 'exit')
    onTestFinished(() => this.kill())
  }

  async start(settings: object): Promise<this> {
    this.process.stdin!.end(`${JSON.stringify(settings)}\n`)
    const [line] = await once(createInterface({ input: this.process.stdout! }), 'line')
    this.url = line as string
    return this
  }

  async kill(): Promise<void> {
    this.process.kill('SIGKILL')
    await this.exited
  }

  async ask(content: string): Promise<{ chatId: string; messageId: string }> {
    const { id } = (await this.call('POST', '/api/chats', {})).body
    return (await this.call('POST', `/api/chats/${id}/messages`, { content })).body
  }

  async call(method: string, path: string, body?: object): Promise<{ status: number; headers: Headers; body: any }> {
    const response = await fetch(this.url + path, {
      method,
      ...(body && { headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) }),
    })
    const text = await response.text()
    return { status: response.status, headers: response.headers, body: text === '' ? null : JSON.parse(text) }
  }
}
