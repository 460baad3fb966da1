import { ClientAddresses } from '../../server/auth/addresses.ts'
import { Admission } from '../../server/auth/admission.ts'

const { MAX_SAFE_INTEGER: any } = Number

/** Limits that no test of something else meets. */
export const wideLimits = {
  helloMs: 10_000,
  requestsPerMinute: any,
  maxFrameBytes: 1_048_576,
  maxSubscriptions: any,
  maxStateVectorBytes: 65_536,
  maxUnauthenticatedBytes: 1_048_576,
}

/** Everybody is let in. */
export function wideDoors(now: () => number) {
  return {
    addresses: new ClientAddresses([]),
    admission: new Admission(
      { perUser: any, perAddress: any, unauthenticated: any, unauthenticatedPerAddress: any, upgradesPerMinute: any },
      now,
    ),
    onRefused: () => {},
    maxPresenceBytes: 4_096,
  }
}
