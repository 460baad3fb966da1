/** P2 once more with sign-in on: the same fuzz, by viewers with a token in somebody else's chat. */
import { SignJWT } from 'jose'
import { vi } from 'vitest'
import type { SignIn } from './sign-in.ts'

vi.mock('./sign-in.ts', async () => {
  const { jwtAuth } = await import('../../server/auth/jwt.ts')
  const { secret } = await import('../http/people.ts')
  // The fuzz's clock runs ahead of ours, by hours in the end.
  const token = await new SignJWT()
    .setProtectedHeader({ alg: 'HS256' })
    .setSubject('ben')
    .setExpirationTime('1y')
    .sign(new TextEncoder().encode(secret))
  const { authenticate } = jwtAuth({ secret })
  const pending = new Set<Promise<unknown>>()
  const signIn: SignIn = {
    seeds: 8,
    ownerId: 'ada',
    viewerId: 'ben',
    token,
    auth: {
      authenticate: async (token) => {
        const answer = authenticate(token)
        pending.add(answer)
        return await answer.finally(() => pending.delete(answer))
      },
    },
    checked: async () => {
      if (pending.size === 0) return false
      await Promise.allSettled(pending)
      return true
    },
  }
  return { signIn }
})

await import('./convergence.test.ts')
