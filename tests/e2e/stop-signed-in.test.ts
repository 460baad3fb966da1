/** P5 once more with sign-in on: the same tests, by somebody with a token. */
import { vi } from 'vitest'
import type * as testKit from '../../testing/index.ts'

vi.mock('../../testing/index.ts', async (original) => {
  const kit = await original<typeof testKit>()
  const { secret, tokenOf } = await import('../http/people.ts')
  const token = await tokenOf('ada')
  return {
    ...kit,
    Collector: class extends kit.Collector {
      constructor(url: string, options: ConstructorParameters<typeof kit.Collector>[1] = {}) {
        super(url, { token, ...options })
      }
    },
    startRunnel: async (options: Parameters<typeof kit.startRunnel>[0] = {}) => {
      const server = await kit.startRunnel({ RUNNEL_AUTH_SECRET: secret, ...options })
      const call: typeof server.call = (method, path, body, headers = {}) =>
        server.call(method, path, body, { authorization: `Bearer ${token}`, ...headers })
      const ask: typeof server.ask = async (content, { chatId, ...fields } = {}) => {
        chatId ??= (await call('POST', '/api/chats', {})).body.id as string
        const { status, body } = await call('POST', `/api/chats/${chatId}/messages`, { content, ...fields })
        if (status !== 202) throw new Error(`POST messages answered ${status}: ${JSON.stringify(body)}`)
        return body
      }
      return { ...server, call, ask }
    },
  }
})

await import('./stop.test.ts')
