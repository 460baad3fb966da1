import { expect, test } from 'vitest'
import { addressSecrets, redactor } from '../../server/secrets/secrets.ts'
import { Random } from '../fuzz/random.ts'

const seed = Number(process.env.SEED ?? Math.floor(Math.random() * 2 ** 31))

/** What others make of a text that they quote. */
const encoders: [string, (text: string) => string][] = [
  ['as it is', (text) => text],
  ['percent-encoded', encodeURIComponent],
  [
    'percent-encoded in small letters',
    (text) => encodeURIComponent(text).replace(/%../g, (byte) => byte.toLowerCase()),
  ],
  ['percent-encoded where an address needs it', encodeURI],
  ['percent-encoded twice', (text) => encodeURIComponent(encodeURIComponent(text))],
  ['of a form', (text) => new URLSearchParams({ a: text }).toString().slice(2)],
  ['in JSON', (text) => JSON.stringify(text)],
  ['in JSON in JSON', (text) => JSON.stringify(JSON.stringify(text))],
  ['in JSON with escaped slashes', (text) => JSON.stringify(text).replaceAll('/', '\\/')],
  ['in base64', (text) => Buffer.from(text).toString('base64')],
  ['in base64 for addresses', (text) => Buffer.from(text).toString('base64url')],
  ['in base64 behind a name', (text) => Buffer.from(`user:${text}`).toString('base64')],
  ['in base64 between others', (text) => Buffer.from(`ab${text}z`).toString('base64url')],
]

test(`a key is hidden in every form in which others quote it (SEED=${seed})`, () => {
  const random = new Random(seed)
  const characters = Array.from('abcXYZ019-_.~+/=:%&?#@!*\'"\\ |^$()[]{}é漢😀')
  for (let turn = 0; turn < 300; turn++) {
    const key = `k${Array.from({ length: random.integer(8, 40) }, () => random.pick(characters)).join('')}9`
    const redact = redactor(['another key', key])
    for (const [name, encode] of encoders) {
      const quoted = encode(key)
      const said = redact(`The key ${quoted} is wrong.`)
      expect(said.length, `${name}: ${key} → ${said}`).toBeLessThan(50)
      expect(said).toMatch(/^The key .{0,20}\*\*\*.{0,20} is wrong\.$/u)
      for (let at = 4; at + 8 < quoted.length - 4; at++) expect(said).not.toContain(quoted.slice(at, at + 8))
    }
  }
})

test('the longest key is hidden first, short words are none, and other text stays', () => {
  const redact = redactor(['secret', 'secret-and-more', 'on', undefined, ''])
  expect(redact('secret-and-more on secret, or not')).toBe('*** on ***, or not')
  expect(redactor([])('secret')).toBe('secret')
})

test('text that is made to be slow costs its length', () => {
  const redact = redactor(['\\\\\\\\"/"/"/\\\\\\', '%%%%%%%%25', '      +++'])
  const cpu = (length: number) =>
    Math.min(
      ...[1, 2, 3].map(() => {
        const began = process.cpuUsage()
        for (const piece of ['\\', '%25', '+', '"\\', ' ']) redact(piece.repeat(length))
        const { user, system } = process.cpuUsage(began)
        return user + system
      }),
    )
  cpu(2_000)
  expect(cpu(16_000)).toBeLessThan(24 * Math.max(cpu(2_000), 500))
})

test('an address has secrets in its name, its password, its query and its path', () => {
  const secrets = addressSecrets(
    'https://someone:pa%2Fss%20word@host.example/mcp/0123456789abcdefghij/v1?key=abc%2Fdef',
  )
  const redact = redactor(secrets)
  for (const text of ['someone', 'pa/ss word', 'pa%2fss+word', '0123456789abcdefghij', 'abc/def', 'abc%2Fdef'])
    expect(redact(`${text}!`)).toMatch(/^\*\*\*!$/)
  expect(redact(`Basic ${Buffer.from('someone:pa/ss word').toString('base64')}`)).toBe('Basic ***')
  expect(redact('https://host.example/mcp/v1')).toBe('https://host.example/mcp/v1')
  expect(addressSecrets('no address')).toEqual([])
})
