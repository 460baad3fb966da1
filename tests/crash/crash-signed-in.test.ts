/** P1 once more with sign-in on: the same test, by somebody with a token. */
import { vi } from 'vitest'
import type { Asker } from './asker.ts'

vi.mock('./asker.ts', async () => {
  const { secret, tokenOf } = await import('../http/people.ts')
  const asker: Asker = { kills: 6, settings: { RUNNEL_AUTH_SECRET: secret }, token: await tokenOf('ada') }
  return { asker }
})

await import('./crash.test.ts')
