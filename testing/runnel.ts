import { createRunnel, type Runnel, type RunnelOptions } from '../server/index.ts'

export interface StartedRunnel {
  /** `http://127.0.0.1:<port>` */
  url: string
  runnel: Runnel
  /** `…/metrics`, where RUNNEL_METRICS_PORT is set. */
  metricsUrl?: string
  /** Calls the API: JSON in, JSON out. */
  call(
    method: string,
    path: string,
    body?: unknown,
    headers?: Record<string, string>,
  ): Promise<{ status: number; body: any }>
  /** Makes a chat and asks in it; returns the ids to follow and to stop. */
  ask(
    content: string,
    options?: { chatId?: string; [field: string]: unknown },
  ): Promise<{ chatId: string; taskId: string; messageId: string; userMessageId: string }>
  close(): Promise<void>
}

/** All tests call from one address, most of them as one user. */
const many = 1_000_000_000
export const unlimited = {
  RUNNEL_MAX_REQUESTS_PER_MINUTE: many,
  RUNNEL_MAX_UPGRADES_PER_MINUTE: many,
  RUNNEL_MAX_SOCKET_REQUESTS_PER_MINUTE: many,
  RUNNEL_MAX_CONNECTIONS_PER_ADDRESS: many,
  RUNNEL_MAX_CHATS_PER_USER: many,
  RUNNEL_MAX_UNLISTED_CHATS_PER_USER: many,
  RUNNEL_MAX_SOCKETS_PER_USER: many,
  RUNNEL_MAX_SOCKETS_PER_ADDRESS: many,
  RUNNEL_MAX_QUEUED_TASKS_PER_USER: many,
  RUNNEL_MAX_UNAUTHENTICATED_SOCKETS: many,
  RUNNEL_MAX_UNAUTHENTICATED_SOCKETS_PER_ADDRESS: many,
}

/**
 * Starts a real server on a free port: in memory, quiet, with the demo
 * provider, and without limits on how much one address asks, unless the settings say otherwise.
 */
export async function startRunnel(options: RunnelOptions = {}): Promise<StartedRunnel> {
  const runnel = createRunnel({
    HOST: '127.0.0.1',
    PORT: 0,
    DATABASE_URL: 'memory:',
    LOG_LEVEL: 'error',
    RUNNEL_DRAIN_MS: 0,
    ...unlimited,
    ...options,
  })
  const { url, metricsUrl } = await runnel.listen()

  const call: StartedRunnel['call'] = async (method, path, body, headers = {}) => {
    const response = await fetch(url + path, {
      method,
      headers: { ...(body === undefined ? {} : { 'content-type': 'application/json' }), ...headers },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    })
    const text = await response.text()
    const isJson = response.headers.get('content-type')?.startsWith('application/json') ?? false
    return { status: response.status, body: text === '' ? null : isJson ? JSON.parse(text) : text }
  }

  return {
    url,
    runnel,
    call,
    ...(metricsUrl !== undefined && { metricsUrl }),
    ask: async (content, { chatId, ...fields } = {}) => {
      chatId ??= (await call('POST', '/api/chats', {})).body.id as string
      const { status, body } = await call('POST', `/api/chats/${chatId}/messages`, { content, ...fields })
      if (status !== 202) throw new Error(`POST messages answered ${status}: ${JSON.stringify(body)}`)
      return body
    },
    close: () => runnel.close(),
  }
}
