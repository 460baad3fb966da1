import { onTestFinished } from 'vitest'
import { RunnelError } from '../../shared/errors.ts'
import { startFakeOpenAI, startRunnel } from '../../testing/index.ts'

/** Tokens are `ada until`, the time in ms. */
export async function startShortLived() {
  const fake = await startFakeOpenAI()
  const server = await startRunnel({
    OPENAI_BASE_URL: fake.url,
    OPENAI_API_KEY: 'key',
    RUNNEL_VIEWER_STALL_MS: 100,
    authenticate: async (token) => {
      const [id = '', until = ''] = token?.split(' ') ?? []
      if (Number(until) <= Date.now()) throw new RunnelError('unauthenticated', 'Sign in again: the token has expired.')
      return { id, name: id, expiresAt: Number(until) }
    },
  })
  onTestFinished(async () => {
    await server.close()
    await fake.close()
  })
  return { fake, server }
}
