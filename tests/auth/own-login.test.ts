/** What a program's own login says of a caller. */
import type { IncomingMessage } from 'node:http'
import { expect, test } from 'vitest'
import { pickAuth } from '../../server/app/adapters.ts'
import { loadConfig } from '../../server/config/read-config.ts'

function expiryOf(expiresAt: unknown) {
  const auth = pickAuth(
    loadConfig({ DATABASE_URL: 'memory:' }, true),
    () => ({ id: 'ada', name: 'Ada', expiresAt }) as never,
    () => {},
  )
  return auth.authenticate('token', {} as IncomingMessage).then((identity) => identity.expiresAt)
}

test('an end in whole milliseconds, or none', async () => {
  expect(await expiryOf(undefined)).toBeNull()
  expect(await expiryOf(1_800_000_000_000.9)).toBe(1_800_000_000_000)
})

test.each([Infinity, Number.NaN, 1e300, '2030-01-01', {}])(
  'an end that is no time (%s) is a fault of the login, not a token for ever',
  async (end) => {
    await expect(expiryOf(end)).rejects.toMatchObject({
      code: 'internal',
      message: expect.stringContaining('expiresAt'),
    })
  },
)
