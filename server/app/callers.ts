/** Who calls, from where, and what they may. */
import type { IncomingMessage } from 'node:http'
import { RunnelError } from '../../shared/errors.ts'
import { Access } from '../auth/access.ts'
import { ClientAddresses } from '../auth/addresses.ts'
import { Admission } from '../auth/admission.ts'
import { withInvites } from '../auth/invites.ts'
import { Origins } from '../auth/origins.ts'
import type { Config } from '../config/config.ts'
import { signsIn } from '../config/read-config.ts'
import { isLoopback } from '../config/setting-values.ts'
import { authWarnings, pickAuth } from './adapters.ts'
import type { Foundation } from './foundation.ts'
import { admissionLimits } from './limits.ts'
import type { Authenticate } from './options.ts'

export type Callers = ReturnType<typeof knowCallers>

export function knowCallers(
  foundation: Pick<Foundation, 'config' | 'log' | 'store' | 'authors' | 'now' | 'operation'>,
  authenticate: Authenticate | undefined,
) {
  const { config, log, store, operation, now } = foundation
  for (const sentence of authWarnings(config, authenticate)) log.warn({}, sentence)
  const knowsUsers = signsIn(config, authenticate !== undefined)
  const { RUNNEL_LOGIN_URL: loginUrl } = config
  const addresses = new ClientAddresses(config.RUNNEL_TRUST_PROXY ?? [])
  return {
    auth: withInvites(pickAuth(config, authenticate, operation.onRefusedUser), foundation, guestModels(config)),
    signIn: { required: knowsUsers, ...(loginUrl !== undefined && { loginUrl }) },
    access: new Access(store),
    addresses,
    origins: new Origins(config.RUNNEL_ALLOWED_ORIGINS ?? [], addresses),
    admission: new Admission(admissionLimits(config), now),
    /** Without sign-in whoever reaches the server is its one user: only this machine may. */
    admit: ({ socket: { remoteAddress } }: IncomingMessage) => {
      if (knowsUsers || remoteAddress === undefined || isLoopback(remoteAddress.replace(/^::ffff:/i, ''))) return
      throw new RunnelError(
        'forbidden',
        'Without sign-in (RUNNEL_AUTH_SECRET, RUNNEL_AUTH_JWKS_URL, authenticate) only callers on this machine are served.',
      )
    },
  }
}

/** A link must not open what the sign-in of whoever made it does not. */
function guestModels(config: Config): readonly string[] | undefined {
  const { RUNNEL_GUEST_MODELS: models, RUNNEL_AUTH_MODELS_CLAIM: claim, RUNNEL_MODEL: model } = config
  return models ?? (claim === undefined ? undefined : [model])
}
