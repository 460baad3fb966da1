/** The token of a live socket: warned of, renewed in place, expired. On a clock of the test's own. */
import { expect, test } from 'vitest'
import { RunnelError } from '../../shared/errors.ts'
import type { Auth } from '../../server/auth/auth.ts'
import { Client, chatId, startSockets, until } from './sockets.ts'

/** Tokens are `user until`, the time in ms. */
async function startWithTokens() {
  let away = false
  const auth: Auth = {
    authenticate: async (token = '') => {
      if (away) throw new RunnelError('overloaded', 'Sign-in cannot be checked now.')
      const [id = '', until = ''] = token.split(' ')
      if (Number(until) <= server.now()) throw new RunnelError('unauthenticated', 'Sign in again.')
      return { user: { id, name: `Name of ${id}` }, expiresAt: Number(until) }
    },
  }
  const server = await startSockets(auth)
  const from = server.now()
  const hello = (user: string, lifeMs: number) =>
    JSON.stringify({ type: 'hello', v: 1, token: `${user} ${from + lifeMs}` })
  const token = (user: string, lifeMs: number) => JSON.stringify({ type: 'token', token: `${user} ${from + lifeMs}` })
  const open = async (lifeMs: number) => {
    const client = new Client(`${server.url}/ws`)
    await client.send(hello('local', lifeMs), `{"type":"subscribe","docs":[{"doc":"${chatId}"}]}`)
    await client.received(3)
    return client
  }
  return {
    ...server,
    open,
    token,
    hello,
    setAway: (value: boolean) => {
      away = value
    },
  }
}

const ofType = (client: Client, type: string) =>
  client.frames.filter((frame) => frame.startsWith(`{"type":"${type}"`)).map((frame) => JSON.parse(frame))
/** All that was sent before has been looked at. */
async function settled(client: Client): Promise<void> {
  const pongs = ofType(client, 'pong').length
  await client.send('{"type":"ping"}')
  await until(() => ofType(client, 'pong').length > pongs, 'pong')
}

test.each([
  [300_000, 60_000],
  [4_000, 1_000],
])('a token that lives %i ms is warned of %i ms before its end, once', async (lifeMs, warningMs) => {
  const { open, pass } = await startWithTokens()
  const client = await open(lifeMs)
  // In steps that no heartbeat can miss.
  const passBy = async (ms: number) => {
    for (let left = ms; left > 0; left -= 5_000) {
      pass(Math.min(left, 5_000))
      await settled(client)
    }
  }
  await passBy(lifeMs - warningMs - 1)
  expect(ofType(client, 'tokenExpiring')).toEqual([])
  pass(1)
  await until(() => ofType(client, 'tokenExpiring').length > 0, 'the warning')
  expect(ofType(client, 'tokenExpiring')).toEqual([{ type: 'tokenExpiring', inMs: warningMs }])
  await passBy(warningMs - 1)
  expect(ofType(client, 'tokenExpiring')).toHaveLength(1)
  expect(client.closed).toBeNull()
  pass(1)
  expect(await client.close()).toEqual({ code: 4401, reason: 'The token has expired. Sign in again.' })
})

test('a renewed token keeps the socket and its subscriptions, and is warned of in its turn', async () => {
  const { open, pass, token, rename } = await startWithTokens()
  const client = await open(4_000)
  pass(3_000)
  await until(() => ofType(client, 'tokenExpiring').length === 1, 'the warning')
  await client.send(token('local', 8_000))
  await settled(client)
  pass(2_000)
  const binary = () => client.frames.filter((frame) => !frame.startsWith('{')).length
  const before = binary()
  await rename('Still here')
  await until(() => binary() === before + 1, 'an update')
  expect(ofType(client, 'tokenExpiring')).toHaveLength(1)
  pass(2_000)
  await until(() => ofType(client, 'tokenExpiring').length === 2, 'the second warning')
  pass(1_000)
  expect((await client.close()).code).toBe(4401)
})

test('the same token again is no reason to ask for a third', async () => {
  const { open, pass, token } = await startWithTokens()
  const client = await open(4_000)
  pass(3_000)
  for (let i = 0; i < 5; i++) {
    await client.send(token('local', 4_000))
    await settled(client)
    pass(10)
  }
  await settled(client)
  expect(ofType(client, 'tokenExpiring')).toHaveLength(1)
})

test.each([
  ['of another user', 'mallory 99999999'],
  ['that is not valid', 'local 1'],
  ['that is none', ''],
])('a token %s closes with 4401', async (_what, token) => {
  const { open } = await startWithTokens()
  const client = await open(4_000)
  await client.send(JSON.stringify({ type: 'token', token }))
  expect((await client.close()).code).toBe(4401)
})

test('while sign-in cannot be checked the old token holds, and a new one is asked for again', async () => {
  const { open, pass, token, setAway } = await startWithTokens()
  const client = await open(4_000)
  pass(3_000)
  setAway(true)
  await client.send(token('local', 8_000))
  await until(() => ofType(client, 'error').length === 1, 'the error')
  expect(ofType(client, 'error')[0]).toMatchObject({ code: 'overloaded' })
  setAway(false)
  pass(100)
  await until(() => ofType(client, 'tokenExpiring').length === 2, 'the second warning')
  await client.send(token('local', 8_000))
  await settled(client)
  pass(3_000)
  await settled(client)
  expect(client.closed).toBeNull()
})

test('on /yjs a token that expires closes with 1008, from which a stock client comes back', async () => {
  const { url, now, pass } = await startWithTokens()
  const client = new Client(`${url}/yjs/${chatId}?token=${encodeURIComponent(`local ${now() + 4_000}`)}`)
  await client.send(Uint8Array.of(0, 0, 1, 0))
  await client.received(1)
  pass(3_999)
  expect(client.closed).toBeNull()
  pass(1)
  expect(await client.close()).toEqual({ code: 1008, reason: 'The token has expired.' })
})
