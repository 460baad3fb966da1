import type { Auth } from './auth.ts'

/** One local user, no sign-in: only for a server that listens on loopback. */
export const localAuth: Auth = {
  authenticate: () => Promise.resolve({ id: 'local', name: 'You' }),
}
