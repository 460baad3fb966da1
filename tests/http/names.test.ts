/** Who a login says that somebody is: ids that are the server's own are nobody, and names are shown cleaned, wherever they come in. */
import pino from 'pino'
import { expect, onTestFinished, test } from 'vitest'
import { createRunnel } from '../../server/app/app.ts'
import { cleanLine } from '../../shared/line.ts'
import { Person, secret, startWithPeople, tokenOf } from './people.ts'
import { start } from './server.ts'

function listen(): { lines: any[]; logger: pino.Logger } {
  const lines: any[] = []
  return { lines, logger: pino({ level: 'warn' }, { write: (line: string) => void lines.push(JSON.parse(line)) }) }
}

const reserved = [
  'local',
  'LOCAL',
  ' local ',
  'lo\u200bcal',
  'guest:invite_1',
  'Guest:x',
  '\u202eguest:x',
  'ｇｕｅｓｔ:x',
  'guest：x',
  'guest:',
]

test('a token, or a login of the program, whose user looks like one of the server is nobody, and the log says so', async () => {
  const byToken = listen()
  const { server } = await startWithPeople({ logger: byToken.logger })
  const byHook = listen()
  const host = await start({
    logger: byHook.logger,
    authenticate: (token) => ({ id: decodeURIComponent(token!), name: 'Ada' }),
  })
  for (const id of reserved) {
    for (const person of [new Person(server, await tokenOf(id)), new Person(host, encodeURIComponent(id))]) {
      const { status, body } = await person.call('GET', '/api/chats')
      expect([id, status, body.error.message]).toEqual([id, 401, 'Sign in again: the token names no usable user.'])
      expect(await person.subscribe('chat_any000000000')).toBe('4401')
      expect(await person.follow('chat_any000000000')).toBe('4401')
    }
  }
  for (const { lines } of [byToken, byHook])
    expect(
      lines.filter(({ msg }) => msg === 'A user was refused: "local" and "guest:…" are ids that the server gives.'),
    ).toMatchObject([{ level: 40, userId: 'local' }])
  for (const id of ['localhost', 'guest', 'ada:guest:x', 'locale'])
    expect((await new Person(server, await tokenOf(id)).call('GET', '/api/chats')).status).toBe(200)
  for (const answer of [{}, { id: 7, name: 'x' }, { id: '', name: 'x' }, { id: '\ud800', name: 'x' }]) {
    const odd = await start({ LOG_LEVEL: 'silent', authenticate: () => answer as never })
    expect((await odd.call('GET', '/api/chats')).status).toBe(401)
  }
})

test('nobody is made a member under an id that is the server’s own', async () => {
  const { person } = await startWithPeople()
  const ada = await person('ada')
  const { id } = (await ada.call('POST', '/api/chats', {})).body
  for (const userId of reserved)
    expect((await ada.call('POST', `/api/chats/${id}/members`, { userId, role: 'viewer' })).status).toBe(400)
})

const dirty: [string, string][] = [
  ['\u202eadA\u0000\n\u200b\u2066 L.\u00ad', 'adA L.'],
  ['Ada\r\n\tof  the\u2028sea', 'Adaof thesea'],
  ['\u200b\u3164\u2800 ', ''],
  [`A${'\u0301'.repeat(500)}da`, `A${'\u0301'.repeat(4)}da`],
  ['x'.repeat(500), 'x'.repeat(200)],
  [`${'y'.repeat(199)}🌊`, `${'y'.repeat(199)}\ufffd`],
]

test('names are cleaned as those of files are: of a token, of a login of the program, of a member, and in presence', async () => {
  for (const [given, shown] of dirty) expect(cleanLine(given)).toBe(shown)
  const { person } = await startWithPeople()
  const host = await start({ authenticate: () => ({ id: 'ada', name: dirty[0]![0] }) })
  for (const [given, clean] of dirty) {
    const shown = clean || 'ada'
    const ada = await person('ada', { name: given })
    const { id } = (await ada.call('POST', '/api/chats', {})).body
    const added = await ada.call('POST', `/api/chats/${id}/members`, { userId: 'ada2', name: given, role: 'viewer' })
    const { items } = (await ada.call('GET', `/api/chats/${id}/members`)).body
    // Blanks alone are no name at all, and a name that long is not one that is given to a member.
    const members = added.status === 201 ? [clean || 'ada2'] : []
    expect(items.map(({ name }: { name: string }) => name)).toEqual([shown, ...members])
    const viewer = ada.view()
    await viewer.until(() => viewer.control.length > 0, 'the welcome')
    expect(viewer.control[0]).toMatchObject({ type: 'welcome', user: { id: 'ada', name: shown } })
  }
  const { id } = (await host.call('POST', '/api/chats', {})).body
  expect((await host.call('GET', `/api/chats/${id}/members`)).body.items).toMatchObject([{ name: 'adA L.' }])
})

test('a JWKS without issuer or audience, or over http, is warned of at the start', async () => {
  const warnings = (settings: Parameters<typeof createRunnel>[0]) => {
    const { lines, logger } = listen()
    const runnel = createRunnel({ DATABASE_URL: 'memory:', logger, ...settings })
    onTestFinished(() => runnel.close())
    return lines.map(({ msg }) => String(msg).split(/ is /)[0])
  }
  const narrow = { RUNNEL_AUTH_ISSUER: 'https://idp.example', RUNNEL_AUTH_AUDIENCE: 'runnel' }
  const [far, near] = ['http://idp.example/keys', 'http://127.0.0.1:1/keys']
  expect(warnings({ RUNNEL_AUTH_JWKS_URL: 'https://idp.example/keys', ...narrow })).toEqual([])
  expect(warnings({ RUNNEL_AUTH_JWKS_URL: near, ...narrow })).toEqual([])
  expect(warnings({ RUNNEL_AUTH_JWKS_URL: far, ...narrow })).toEqual(['RUNNEL_AUTH_JWKS_URL'])
  expect(warnings({ RUNNEL_AUTH_JWKS_URL: far })).toEqual([
    'RUNNEL_AUTH_ISSUER',
    'RUNNEL_AUTH_AUDIENCE',
    'RUNNEL_AUTH_JWKS_URL',
  ])
  expect(warnings({ RUNNEL_AUTH_JWKS_URL: near, RUNNEL_AUTH_AUDIENCE: 'runnel' })).toEqual(['RUNNEL_AUTH_ISSUER'])
  expect(warnings({ RUNNEL_AUTH_SECRET: secret })).toEqual([])
})
