/** Sign-in by JSON Web Tokens: what is taken, what is refused, and with which words. */
import { createHmac } from 'node:crypto'
import { SignJWT, UnsecuredJWT, type JWTPayload } from 'jose'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { jwtAuth } from '../../server/auth/jwt.ts'
import { seconds, sign, startIdentityProvider } from './identity-provider.ts'

const secret = 'a secret of the tests, 32 characters and more'

// Dates only: sockets and timers are real. At a full second, so that edges are exact.
beforeEach(() => {
  vi.useFakeTimers({ toFake: ['Date'], now: 1_800_000_000_000 })
})
afterEach(() => {
  vi.useRealTimers()
})

async function bySecret(claims: JWTPayload = {}, { alg = 'HS256', key = secret } = {}): Promise<string> {
  return await new SignJWT({ sub: 'ada', exp: seconds(60), ...claims })
    .setProtectedHeader({ alg })
    .sign(new TextEncoder().encode(key))
}

const refused = { code: 'unauthenticated', message: 'Sign in again: the token is not valid here.' }

describe('by secret', () => {
  const auth = jwtAuth({ secret, issuer: 'https://idp.example', audience: 'runnel' })
  const good = { iss: 'https://idp.example', aud: 'runnel' }

  test('a good token stands for its subject, by name if it has one', async () => {
    expect(await auth.authenticate(await bySecret(good))).toEqual({
      user: { id: 'ada', name: 'ada' },
      expiresAt: seconds(65) * 1_000,
    })
    expect(
      (await auth.authenticate(await bySecret({ ...good, name: 'Ada L.', aud: ['other', 'runnel'] }))).user,
    ).toEqual({ id: 'ada', name: 'Ada L.' })
    expect((await auth.authenticate(await bySecret({ ...good, name: 7 }))).user.name).toBe('ada')
  })

  test.each([
    '"exp":1e400',
    '"exp":1e308',
    '"exp":9e15',
    '"exp":4000000000,"nbf":-1e400',
    '"exp":4000000000,"nbf":-1e308',
    '"exp":4000000000,"iat":1e400',
  ])('a token whose times are none (%s) is refused: it would never expire', async (times) => {
    const part = (json: string) => Buffer.from(json).toString('base64url')
    const head = `${part('{"alg":"HS256"}')}.${part(`{"iss":"https://idp.example","aud":"runnel","sub":"ada",${times}}`)}`
    const signature = createHmac('sha256', secret).update(head).digest('base64url')
    await expect(auth.authenticate(`${head}.${signature}`)).rejects.toMatchObject({ code: 'unauthenticated' })
  })

  test('a fraction of a second is no fraction of a millisecond', async () => {
    const { expiresAt } = await auth.authenticate(await bySecret({ ...good, exp: seconds(60) + 0.123456 }))
    expect(expiresAt).toBe(seconds(65) * 1_000 + 123)
  })

  test.each<[string, () => Promise<string> | string]>([
    ['no JWT at all', () => 'abc'],
    ['an empty one', () => ''],
    ['another secret', () => bySecret(good, { key: `${secret}!` })],
    ['another HMAC', () => bySecret(good, { alg: 'HS512' })],
    ['algorithm none', () => new UnsecuredJWT({ ...good, sub: 'ada', exp: seconds(60) }).encode()],
    [
      'algorithm none over a signed body',
      async () => `${Buffer.from('{"alg":"none"}').toString('base64url')}.${(await bySecret(good)).split('.')[1]}.`,
    ],
    [
      'a body that was changed',
      async () => {
        const [header, , signature] = (await bySecret(good)).split('.')
        return `${header}.${Buffer.from(JSON.stringify({ ...good, sub: 'root', exp: seconds(60) })).toString('base64url')}.${signature}`
      },
    ],
    ['another issuer', () => bySecret({ ...good, iss: 'https://evil.example' })],
    ['no issuer', () => bySecret({ aud: 'runnel' })],
    ['another audience', () => bySecret({ ...good, aud: 'other' })],
    ['no subject', () => bySecret({ ...good, sub: undefined })],
    ['a subject that is no string', () => bySecret({ ...good, sub: 7 as unknown as string })],
    ['no expiry', () => bySecret({ ...good, exp: undefined })],
    ['not yet valid', () => bySecret({ ...good, nbf: seconds(6) })],
  ])('%s is refused', async (_what, token) => {
    await expect(auth.authenticate(await token())).rejects.toMatchObject({
      code: 'unauthenticated',
      message: expect.stringMatching(/^Sign in again: /),
    })
  })

  test.each(['', 'x'.repeat(201)])('a subject that cannot be a user id is refused', async (sub) => {
    await expect(auth.authenticate(await bySecret({ ...good, sub }))).rejects.toMatchObject({ code: 'unauthenticated' })
  })

  test('nobody without a token', async () => {
    await expect(auth.authenticate(undefined)).rejects.toMatchObject({
      code: 'unauthenticated',
      message: 'Sign in: this needs a token.',
    })
  })

  test('clocks may differ by five seconds, and no more', async () => {
    const token = await bySecret({ ...good, exp: seconds(60) })
    vi.setSystemTime(Date.now() + 64_999)
    const { expiresAt } = await auth.authenticate(token)
    // What is let in is not expired the moment after.
    expect(expiresAt).toBeGreaterThan(Date.now())
    vi.setSystemTime(expiresAt!)
    await expect(auth.authenticate(token)).rejects.toMatchObject({
      code: 'unauthenticated',
      message: 'Sign in again: the token has expired.',
    })
    expect((await auth.authenticate(await bySecret({ ...good, nbf: seconds(5) }))).user.id).toBe('ada')
  })
})

describe('by JWKS', () => {
  test('RS256, ES256 and EdDSA keys sign in; a token of a foreign key with the same kid does not', async () => {
    const provider = await startIdentityProvider()
    const auth = jwtAuth({ jwksUrl: provider.url })
    for (const alg of ['RS256', 'ES256', 'EdDSA']) {
      const key = await provider.newKey(alg, alg)
      vi.setSystemTime(Date.now() + 31_000)
      expect((await auth.authenticate(await sign(key))).user.id).toBe('ada')
    }
    const other = await startIdentityProvider()
    await expect(auth.authenticate(await sign(await other.newKey('RS256')))).rejects.toMatchObject(refused)
  })

  test('a public key used as an HMAC secret is refused, and so is none, and an algorithm that is not configured', async () => {
    const provider = await startIdentityProvider()
    const auth = jwtAuth({ jwksUrl: provider.url, algorithms: ['RS256'] })
    const key = await provider.newKey('one')
    const body = Buffer.from(JSON.stringify({ sub: 'root', exp: seconds(60) })).toString('base64url')
    for (const material of [key.pem, key.pem.trim(), JSON.stringify(key.jwk), key.jwk.n!]) {
      const signed = `${Buffer.from('{"alg":"HS256","kid":"one"}').toString('base64url')}.${body}`
      await expect(
        auth.authenticate(`${signed}.${createHmac('sha256', material).update(signed).digest('base64url')}`),
      ).rejects.toMatchObject(refused)
    }
    await expect(
      auth.authenticate(`${Buffer.from('{"alg":"none","kid":"one"}').toString('base64url')}.${body}.`),
    ).rejects.toMatchObject(refused)
    const elliptic = await provider.newKey('two', 'ES256')
    await expect(auth.authenticate(await sign(elliptic))).rejects.toMatchObject(refused)
    expect((await auth.authenticate(await sign(key))).user.id).toBe('ada')
  })

  test('keys are cached, and a rotated one is found by its new kid', async () => {
    const provider = await startIdentityProvider()
    const auth = jwtAuth({ jwksUrl: provider.url })
    const first = await provider.newKey('first')
    for (let i = 0; i < 5; i++) await auth.authenticate(await sign(first))
    expect(provider.requests).toBe(1)
    const second = await provider.newKey('second')
    provider.keys.shift()
    vi.setSystemTime(Date.now() + 10_001)
    expect((await auth.authenticate(await sign(second))).user.id).toBe('ada')
    expect(provider.requests).toBe(2)
    await expect(auth.authenticate(await sign(first))).rejects.toMatchObject(refused)
  })

  test('tokens with unknown kids do not make it ask for keys all the time', async () => {
    const provider = await startIdentityProvider()
    const auth = jwtAuth({ jwksUrl: provider.url })
    const key = await provider.newKey('known')
    await auth.authenticate(await sign(key))
    for (let i = 0; i < 20; i++)
      await expect(auth.authenticate(await sign({ ...key, kid: `unknown${i}` }))).rejects.toMatchObject(refused)
    expect(provider.requests).toBe(1)
  })

  test.each(['status', 'text', 'silent', 'away'] as const)(
    'keys that are not to be had (%s) are a fault of the server, not of the token',
    async (how) => {
      const provider = await startIdentityProvider()
      const token = await sign(await provider.newKey('one'))
      const auth = jwtAuth({ jwksUrl: provider.url, keysTimeoutMs: 200 })
      if (how === 'away') await provider.close()
      else provider.break(how)
      const error = await auth.authenticate(token).catch((error: unknown) => error)
      expect(error).toMatchObject({ code: 'overloaded', httpStatus: 503, retryable: true })
      expect(String(error)).not.toContain(token)
      if (how === 'away') return
      // It is tried again at once when they are back.
      provider.break(null)
      expect((await auth.authenticate(token)).user.id).toBe('ada')
    },
  )

  test('with keys in hand it goes on while the identity provider is away', async () => {
    const provider = await startIdentityProvider()
    const auth = jwtAuth({ jwksUrl: provider.url })
    const key = await provider.newKey('one')
    await auth.authenticate(await sign(key))
    await provider.close()
    expect((await auth.authenticate(await sign(key))).user.id).toBe('ada')
  })
})
