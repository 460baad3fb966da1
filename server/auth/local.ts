import type { Auth } from './auth.ts'

/** One local user, no sign-in: only for a server that listens on loopback. */
export const localAuth: Auth = {
  authenticate: () => Promise.resolve({ user: { id: 'local', name: 'You' }, expiresAt: null }),
}
