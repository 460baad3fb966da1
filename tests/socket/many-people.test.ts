/** Many people behind one address, and somebody there who floods: people are counted as people, and the flood by its address (L1–L5, L10). */
import { once } from 'node:events'
import { request } from 'node:http'
import { expect, onTestFinished, test } from 'vitest'
import { connect } from '../../client/index.ts'
import { createRunnel, type Runnel } from '../../server/app/app.ts'
import { offeredSubprotocols } from '../../shared/subprotocol.ts'
import { freePort } from '../helpers/programs.ts'
import { secret, tokenOf } from '../http/people.ts'
import { end, open, openSocket, say, signIn, until } from './plain-socket.ts'

/** A fifth of the limits as they are delivered, for a fifth of the thousand. */
const scaled = {
  RUNNEL_MAX_UPGRADES_PER_MINUTE: 120,
  RUNNEL_MAX_UNAUTHENTICATED_SOCKETS: 200,
  RUNNEL_MAX_UNAUTHENTICATED_SOCKETS_PER_ADDRESS: 20,
  RUNNEL_MAX_REQUESTS_PER_MINUTE: 240,
}

async function startLimited(
  settings: Parameters<typeof createRunnel>[0] = {},
): Promise<{ runnel: Runnel; url: string }> {
  const runnel = createRunnel({
    PORT: 0,
    DATABASE_URL: 'memory:',
    LOG_LEVEL: 'silent',
    RUNNEL_AUTH_SECRET: secret,
    RUNNEL_DRAIN_MS: 0,
    ...scaled,
    ...settings,
  })
  onTestFinished(() => runnel.close())
  return { runnel, url: (await runnel.listen()).url }
}

async function get(url: string, token?: string): Promise<number> {
  const call = request(`${url}/api/chats`, {
    agent: false,
    headers: token === undefined ? {} : { authorization: `Bearer ${token}` },
  })
  call.on('error', () => {})
  call.end()
  const [response] = await once(call, 'response')
  response.resume()
  return response.statusCode
}

test('200 clients are back within 10 s of a restart, each with a call, while one beside them floods, and is refused', async () => {
  const PORT = await freePort()
  const first = await startLimited({ PORT })
  const tokens = await Promise.all(Array.from({ length: 200 }, (_, i) => tokenOf(`person${i}`)))
  const clients = tokens.map((token) => connect({ url: first.url, token, start: 'now' }))
  onTestFinished(async () => {
    await Promise.all(clients.map((client) => client.close()))
  })
  const isOpen = () => clients.every(({ connection }) => connection.getSnapshot().status === 'open')
  await until(isOpen, 'all open')
  await first.runnel.close()
  await until(() => !isOpen(), 'the loss')

  // It opens sockets and says nothing, and it asks without a good token, as fast as it can.
  const met = new Map<string, number>()
  const meet = (what: string) => met.set(what, (met.get(what) ?? 0) + 1)
  let flooding = true
  onTestFinished(() => {
    flooding = false
  })
  const flood = async (work: () => Promise<string>) => {
    while (flooding) meet(await work().catch(() => 'unreachable'))
  }
  const held: Awaited<ReturnType<typeof open>>[] = []
  const knocking = [1, 2, 3, 4].map(() =>
    flood(async () => {
      const socket = await openSocket(first.url)
      if ('status' in socket) return `upgrade ${socket.status}`
      held.push(socket)
      return 'upgrade taken'
    }),
  )
  const asking = [1, 2].map((i) => flood(async () => `call ${await get(first.url, i === 1 ? 'bad' : undefined)}`))
  await until(() => (met.get('unreachable') ?? 0) > 20, 'the flood')
  const { url, runnel } = await startLimited({ PORT })
  await until(isOpen, 'all back', 10_000)
  await until(() => met.has('call 429') && met.has('upgrade 429'), 'what the flood meets', 20_000)
  const statuses = await Promise.all(tokens.map((token) => get(url, token)))
  expect(statuses.every((status) => status === 200)).toBe(true)
  expect(runnel.stats().unauthenticatedConnections).toBeLessThanOrEqual(20)
  flooding = false
  await Promise.all([...knocking, ...asking])
  expect(met.get('upgrade taken')).toBeLessThanOrEqual(120)
  expect(met.get('call 401')).toBeLessThanOrEqual(240)
  await end(...held)
}, 40_000)

test('L3 L5 whoever shows a good token at the upgrade takes no place of those who have not signed in', async () => {
  const { url, runnel } = await startLimited({
    RUNNEL_MAX_UNAUTHENTICATED_SOCKETS_PER_ADDRESS: 1,
    RUNNEL_MAX_UPGRADES_PER_MINUTE: 1,
  })
  const silent = await open(url)
  expect(await openSocket(url)).toMatchObject({ status: 429 })
  const token = await tokenOf('ann')
  const shows = (shown: string) => ({ protocols: offeredSubprotocols(shown) })
  expect(await openSocket(url, shows('bad'))).toMatchObject({ status: 429 })
  const ann = await open(url, shows(token))
  expect(ann.socket.protocol).toBe('runnel.v1')
  expect(runnel.stats()).toMatchObject({ connections: 2, unauthenticatedConnections: 1 })
  await signIn(ann, token)
  expect(ann.control[0]).toMatchObject({ type: 'welcome', user: { id: 'ann' } })
  // A user too opens no more in a minute than this; another one may.
  expect(await openSocket(url, shows(token))).toMatchObject({ status: 429 })
  const bobs = await tokenOf('bob')
  const bob = await open(url, shows(bobs))
  say(bob, { type: 'hello', v: 1, token })
  expect((await bob.closed).code).toBe(1013)
  await end(silent, ann)
  await until(() => runnel.stats().connections === 0 && runnel.stats().unauthenticatedConnections === 0, 'no places')
})

test('L5 who signs in by hello alone gives the place of the address back; who is refused takes none', async () => {
  const { url } = await startLimited({
    RUNNEL_MAX_UNAUTHENTICATED_SOCKETS_PER_ADDRESS: 1,
    RUNNEL_MAX_UPGRADES_PER_MINUTE: 2,
  })
  for (let i = 0; i < 5; i++) {
    const socket = await open(url)
    for (let refused = 0; refused < 3; refused++) expect(await openSocket(url)).toMatchObject({ status: 429 })
    await signIn(socket, await tokenOf(`person${i}`))
    expect(socket.control[0]).toMatchObject({ type: 'welcome' })
    await end(socket)
  }
})

test('an answer about who comes that does not come holds nobody up: the socket opens, and hello waits for the same answer', async () => {
  let asked = 0
  const { url } = await startLimited({
    RUNNEL_AUTH_SECRET: '',
    RUNNEL_HELLO_MS: 400,
    authenticate: () => {
      asked += 1
      return new Promise(() => {})
    },
  })
  const socket = await open(url, { headers: { cookie: 'session=1' } })
  say(socket, { type: 'hello', v: 1 })
  expect((await socket.closed).code).toBe(1013)
  expect(asked).toBe(1)
})
