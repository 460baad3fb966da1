import { createServer } from 'node:net'
import { expect, test } from 'vitest'
import { countOpen, whatStaysOpen } from './open-handles.ts'

test('names a server and a timer that are left open, and sees them go', async () => {
  const before = countOpen()
  const server = createServer().listen(0, '127.0.0.1')
  const timer = setInterval(() => {}, 1000)

  const left = (await whatStaysOpen(before, 50)).join('\n')
  expect(left).toMatch(/1 × Timeout/)
  expect(left).toMatch(/1 × TCPServerWrap/)
  expect(left).toMatch(/Server listening on .*127\.0\.0\.1/)

  clearInterval(timer)
  server.close()
  expect(await whatStaysOpen(before, 1000)).toEqual([])
})
