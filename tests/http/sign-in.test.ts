/** Where a token may stand, what is said where it is wrong, and that it stands in no log. */
import pino from 'pino'
import { expect, test } from 'vitest'
import { createRunnel } from '../../server/app/app.ts'
import { seconds, sign, startIdentityProvider } from '../auth/identity-provider.ts'
import { Client } from '../socket/sockets.ts'
import { Person, secret, startWithPeople, tokenOf } from './people.ts'
import { start } from './server.ts'

const socketsOf = (url: string) => url.replace(/^http/, 'ws')

test('a token is taken from Authorization, from hello and from ?token= of /yjs', async () => {
  const { person } = await startWithPeople()
  const ada = await person('ada', { name: 'Ada L.' })
  const { chatId } = await ada.ask('Hello')
  expect((await ada.call('GET', `/api/chats/${chatId}`)).status).toBe(200)
  const viewer = ada.view()
  await viewer.until(() => viewer.control.length > 0, 'the welcome')
  expect(viewer.control[0]).toMatchObject({ type: 'welcome', user: { id: 'ada', name: 'Ada L.' } })
  expect(await ada.follow(chatId)).toBe('followed')
})

test('without a good one: 401 that says how, 4401 on both sockets', async () => {
  const { server } = await startWithPeople()
  for (const token of [undefined, 'rubbish', await tokenOf('ada', { expiresInSeconds: -6 })]) {
    const response = await fetch(
      `${server.url}/api/chats`,
      token === undefined ? {} : { headers: { authorization: `Bearer ${token}` } },
    )
    expect([response.status, response.headers.get('www-authenticate')]).toEqual([401, 'Bearer realm="runnel"'])
    expect(await response.json()).toEqual({
      error: { code: 'unauthenticated', message: expect.stringMatching(/^Sign in/) },
    })
    const nobody = new Person(server, token)
    expect(await nobody.subscribe('chat_any000000000')).toBe('4401')
    expect(await nobody.follow('chat_any000000000')).toBe('4401')
  }
  // A browser's address bar and history are no place for a token where a header will do.
  expect((await server.call('GET', `/api/chats?token=${await tokenOf('ada')}`)).status).toBe(401)
  expect(
    (await server.call('GET', '/api/chats', undefined, { authorization: `Basic ${await tokenOf('ada')}` })).status,
  ).toBe(401)
  expect((await server.call('GET', '/healthz')).status).toBe(200)
})

test('anybody is told whether and where people sign in', async () => {
  const tell = async (settings: Parameters<typeof start>[0]) =>
    (await (await start(settings)).call('GET', '/api/sign-in')).body
  const [alone, byToken, byLogin] = await Promise.all([
    tell({}),
    tell({ RUNNEL_AUTH_SECRET: secret }),
    tell({ RUNNEL_AUTH_SECRET: secret, RUNNEL_LOGIN_URL: '/login' }),
  ])
  expect([alone, byToken, byLogin]).toEqual([
    { required: false },
    { required: true },
    { required: true, loginUrl: '/login' },
  ])
  for (const wrong of ['javascript:alert(1)', '//elsewhere.example', '/\\elsewhere.example', 'login'])
    await expect(start({ RUNNEL_LOGIN_URL: wrong })).rejects.toThrow('RUNNEL_LOGIN_URL')
})

test('nothing is shown before the token has been looked at', async () => {
  const { server, person } = await startWithPeople()
  const { chatId } = await (await person('ada')).ask('Hello')
  const client = new Client(`${socketsOf(server.url)}/ws`)
  await client.send('{"type":"hello","v":1,"token":"rubbish"}', `{"type":"subscribe","docs":[{"doc":"${chatId}"}]}`)
  expect((await client.close()).code).toBe(4401)
  expect(client.frames).toEqual([])
})

test('keys by JWKS; an identity provider that is away is 503 and 1013, not 401', async () => {
  const provider = await startIdentityProvider()
  const key = await provider.newKey('one')
  const server = await start({
    RUNNEL_AUTH_JWKS_URL: provider.url,
    RUNNEL_AUTH_ISSUER: 'https://idp.example',
    RUNNEL_AUTH_AUDIENCE: 'runnel',
  })
  const token = await sign(key, { iss: 'https://idp.example', aud: 'runnel' })
  provider.break('status')
  const ada = new Person(server, token)
  const away = await fetch(`${server.url}/api/chats`, { headers: { authorization: `Bearer ${token}` } })
  expect([away.status, away.headers.get('retry-after')]).toEqual([503, '1'])
  expect(((await away.json()) as any).error.message).not.toContain(token)
  expect(await ada.subscribe('chat_any000000000')).toBe('1013')
  expect(await ada.follow('chat_any000000000')).toBe('1013')
  provider.break(null)
  expect((await ada.call('GET', '/api/chats')).status).toBe(200)
  expect((await new Person(server, await sign(key, { exp: seconds(60) })).call('GET', '/api/chats')).status).toBe(401)
})

test("a login of one's own: its users, its refusals, its expiry", async () => {
  const server = await start({
    LOG_LEVEL: 'silent',
    authenticate: async (token) => {
      if (token === 'broken') throw new Error('the directory is away: broken')
      return { id: token ?? 'anonymous', name: 'Somebody' }
    },
  })
  expect((await new Person(server, 'ada').call('POST', '/api/chats', {})).status).toBe(201)
  expect((await server.call('GET', '/api/chats')).body.items).toEqual([])
  const { status, body } = await new Person(server, 'broken').call('GET', '/api/chats')
  expect([status, JSON.stringify(body).includes('directory')]).toEqual([500, false])
})

test('no token reaches a log, at any level', async () => {
  const lines: string[] = []
  const logger = pino(
    { level: 'trace' },
    {
      write: (line: string) => {
        lines.push(line)
      },
    },
  )
  const { server, person } = await startWithPeople({ logger })
  const ada = await person('ada')
  const { chatId, messageId } = await ada.ask('Hello')
  const invite = (await ada.call('POST', `/api/chats/${chatId}/invites`, {})).body.token as string
  const bad = `${ada.token}x`
  for (const token of [ada.token!, invite, bad]) {
    const person = new Person(server, token)
    await person.call('GET', '/api/chats')
    await person.call('POST', '/api/chats', '{broken')
    await person.call('POST', '/api/invites/redeem', { token })
    await person.subscribe(messageId)
    await person.follow(chatId)
    await person.follow('no/such')
  }
  logger.info('the end')
  expect(lines.length).toBeGreaterThan(0)
  for (const token of [ada.token!, invite, bad]) expect(lines.join('')).not.toContain(token.slice(-20))
})

test('settings that would leave the door open are refused at start, and no secret is repeated', () => {
  const fault = (settings: Parameters<typeof createRunnel>[0]): string => {
    try {
      void createRunnel({ DATABASE_URL: 'memory:', ...settings }).close()
    } catch (error) {
      return (error as Error).message
    }
    return 'started'
  }
  for (const HOST of ['0.0.0.0', '::', '192.168.1.5', 'example.org', '128.0.0.1']) {
    expect(fault({ HOST })).toBe(
      `The configuration is wrong:\n  HOST: ${HOST} is not loopback, and without sign-in (RUNNEL_AUTH_SECRET or RUNNEL_AUTH_JWKS_URL) only loopback is served`,
    )
    expect(fault({ HOST, RUNNEL_AUTH_SECRET: secret })).toBe('started')
    expect(fault({ HOST, RUNNEL_AUTH_JWKS_URL: 'https://idp.example/jwks.json' })).toBe('started')
  }
  for (const HOST of ['127.0.0.1', '127.8.8.8', 'localhost', '::1']) expect(fault({ HOST })).toBe('started')
  expect(fault({ RUNNEL_AUTH_SECRET: secret, RUNNEL_AUTH_JWKS_URL: 'https://idp.example/jwks.json' })).toBe(
    'The configuration is wrong:\n  RUNNEL_AUTH_SECRET, RUNNEL_AUTH_JWKS_URL: set one of the two',
  )
  const short = fault({ RUNNEL_AUTH_SECRET: 'hunter2hunter2hunter2hunter2hun' })
  expect(short).toBe('The configuration is wrong:\n  RUNNEL_AUTH_SECRET: must have 32 characters or more')
  expect(fault({ RUNNEL_AUTH_JWKS_URL: 'https://idp.example', RUNNEL_AUTH_ALGORITHMS: 'RS256,HS256' })).toContain(
    'must be asymmetric algorithms',
  )
  expect(fault({ RUNNEL_AUTH_ALGORITHMS: 'none' })).toContain('must be asymmetric algorithms')
})
