import { createRunnel, type Runnel, type RunnelOptions } from '../server/app.ts'

export interface StartedRunnel {
  /** `http://127.0.0.1:<port>` */
  url: string
  runnel: Runnel
  /** Calls the API: JSON in, JSON out. */
  call(method: string, path: string, body?: unknown, headers?: Record<string, string>): Promise<{ status: number; body: any }>
  /** Makes a chat and asks in it; returns the ids to follow and to stop. */
  ask(content: string, options?: { chatId?: string; [field: string]: unknown }): Promise<{ chatId: string; taskId: string; messageId: string; userMessageId: string }>
  close(): Promise<void>
}

/**
 * Starts a real server on a free port: in memory, quiet, with the demo
 * provider, unless the settings say otherwise.
 */
export async function startRunnel(options: RunnelOptions = {}): Promise<StartedRunnel> {
  const runnel = createRunnel({ HOST: '127.0.0.1', PORT: 0, DATABASE_URL: 'memory:', LOG_LEVEL: 'error', ...options })
  const { url } = await runnel.listen()

  const call: StartedRunnel['call'] = async (method, path, body, headers = {}) => {
    const response = await fetch(url + path, {
      method,
      headers: { ...(body === undefined ? {} : { 'content-type': 'application/json' }), ...headers },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    })
    const text = await response.text()
    return { status: response.status, body: text === '' ? null : JSON.parse(text) }
  }

  return {
    url, runnel, call,
    ask: async (content, { chatId, ...fields } = {}) => {
      chatId ??= (await call('POST', '/api/chats', {})).body.id as string
      const { status, body } = await call('POST', `/api/chats/${chatId}/messages`, { content, ...fields })
      if (status !== 202) throw new Error(`POST messages answered ${status}: ${JSON.stringify(body)}`)
      return body
    },
    close: () => runnel.close(),
  }
}
