import { createRemoteJWKSet, errors, jwtVerify, type JWTPayload, type JWTVerifyOptions } from 'jose'
import { RunnelError } from '../../shared/errors.ts'
import type { Auth, User } from './auth.ts'
import { epochMsOf } from './epoch.ts'

/** Clocks of two machines may differ by so much. */
const clockToleranceSeconds = 5

export interface JwtOptions {
  /** HS256 with this secret, or the keys of this JWKS. One of the two. */
  secret?: string | undefined
  jwksUrl?: string | undefined
  /** What a JWKS' tokens may be signed with. A secret's are HS256, always. */
  algorithms?: readonly string[] | undefined
  issuer?: string | undefined
  audience?: string | undefined
  /** The claim that says which models its user may ask. */
  modelsClaim?: string | undefined
  /** What fetching the keys may take. */
  keysTimeoutMs?: number | undefined
}

/**
 * Sign-in by JSON Web Tokens (RFC 7519). The algorithm is fixed by the
 * configuration and never taken from a token: `none`, or a public key used as
 * an HMAC secret, is refused. `sub` is the user's id, `name` is shown to
 * others; a token must expire.
 */
export function jwtAuth({
  secret,
  jwksUrl,
  algorithms,
  issuer,
  audience,
  modelsClaim,
  keysTimeoutMs = 5_000,
}: JwtOptions): {
  authenticate(token: string | undefined): ReturnType<Auth['authenticate']>
} {
  const rules: JWTVerifyOptions = {
    clockTolerance: clockToleranceSeconds,
    requiredClaims: ['sub', 'exp'],
    ...(issuer !== undefined && { issuer }),
    ...(audience !== undefined && { audience }),
  }
  const verify =
    secret === undefined
      ? verifyByKeys(jwksUrl!, keysTimeoutMs, {
          ...rules,
          algorithms: [...(algorithms ?? ['RS256', 'ES256', 'EdDSA'])],
        })
      : verifyBySecret(secret, { ...rules, algorithms: ['HS256'] })

  return {
    async authenticate(token) {
      if (token === undefined) throw new RunnelError('unauthenticated', 'Sign in: this needs a token.')
      let payload: JWTPayload
      try {
        payload = await verify(token)
      } catch (error) {
        throw refusal(error)
      }
      const times = [payload.exp, payload.nbf, payload.iat].filter((time) => time !== undefined)
      // As long as it would be taken: else a socket that was just let in would be sent away.
      const expiresAt = epochMsOf((payload.exp! + clockToleranceSeconds) * 1_000)
      // JSON has numbers that are none here: 1e400 would be a token that never expires.
      if (expiresAt === null || times.some((time) => epochMsOf(time * 1_000) === null))
        throw new RunnelError('unauthenticated', 'Sign in again: the times of the token are none.')
      const models = modelsClaim === undefined ? undefined : modelsOf(payload[modelsClaim])
      return { user: userOf(payload), expiresAt, ...(models && { models }) }
    },
  }
}

/** What an operator should hear of these settings: keys of others sign for others, too. */
export function jwksWarnings({ jwksUrl, issuer, audience }: JwtOptions): string[] {
  if (jwksUrl === undefined) return []
  const { protocol, hostname } = new URL(jwksUrl)
  const isHere = hostname === 'localhost' || hostname === '[::1]' || hostname.startsWith('127.')
  return [
    ...(issuer === undefined
      ? ['RUNNEL_AUTH_ISSUER is not set: a token of any issuer whose keys are in the JWKS signs in.']
      : []),
    ...(audience === undefined
      ? ['RUNNEL_AUTH_AUDIENCE is not set: a token that was made for another service of the issuer signs in here.']
      : []),
    ...(protocol === 'http:' && !isHere
      ? ['RUNNEL_AUTH_JWKS_URL is http: whoever sits on the way can put their own keys in, and sign in as anybody.']
      : []),
  ]
}

function verifyBySecret(secret: string, rules: JWTVerifyOptions): (token: string) => Promise<JWTPayload> {
  const key = new TextEncoder().encode(secret)
  return async (token) => (await jwtVerify(token, key, rules)).payload
}

/** Keys are cached; a token with an unknown key id has them fetched again, every ten seconds at the most. */
function verifyByKeys(
  url: string,
  timeoutDuration: number,
  rules: JWTVerifyOptions,
): (token: string) => Promise<JWTPayload> {
  const keys = createRemoteJWKSet(new URL(url), { cooldownDuration: 10_000, cacheMaxAge: 600_000, timeoutDuration })
  return async (token) => (await jwtVerify(token, keys, rules)).payload
}

function userOf({ sub, name }: JWTPayload): User {
  // A token may be well signed and hold anything.
  const id = typeof sub === 'string' ? sub.toWellFormed() : ''
  if (id === '' || id.length > 200)
    throw new RunnelError('unauthenticated', 'Sign in again: the token names no usable user.')
  return { id, name: typeof name === 'string' && name !== '' ? name.toWellFormed() : id }
}

/** A list, or names with blanks or commas between them. A token without the claim narrows nothing; one whose claim is something else allows nothing. */
function modelsOf(claim: unknown): string[] | undefined {
  if (claim === undefined || claim === null) return undefined
  if (typeof claim === 'string') return claim.split(/[\s,]+/).filter((name) => name !== '')
  return Array.isArray(claim) ? claim.filter((name) => typeof name === 'string') : []
}

function refusal(error: unknown): RunnelError {
  if (error instanceof errors.JWTExpired)
    return new RunnelError('unauthenticated', 'Sign in again: the token has expired.')
  if (
    error instanceof errors.JWKSTimeout ||
    error instanceof errors.JWKSInvalid ||
    (error instanceof errors.JOSEError && error.code === 'ERR_JOSE_GENERIC') ||
    error instanceof TypeError
  ) {
    return new RunnelError(
      'overloaded',
      'Sign-in cannot be checked now: the keys of the identity provider are not to be had.',
      { cause: error },
    )
  }
  return new RunnelError('unauthenticated', 'Sign in again: the token is not valid here.')
}
