import type { Auth } from '../../server/auth/auth.ts'
import { localAuth } from '../../server/auth/local.ts'

export interface SignIn {
  /** How many seeds are played so, as a rule. */
  seeds: number
  auth: Auth
  /** Whose chat it is, and as whom the viewers come. */
  ownerId: string
  viewerId: string
  token: string | undefined
  /** Waits for tokens that are being looked at, outside of any clock of ours; false if there are none. */
  checked: () => Promise<boolean>
}

/** Nobody signs in. `convergence-signed-in.test.ts` puts another in its place. */
export const signIn: SignIn = {
  seeds: 24,
  auth: localAuth,
  ownerId: 'local',
  viewerId: 'local',
  token: undefined,
  checked: async () => false,
}
