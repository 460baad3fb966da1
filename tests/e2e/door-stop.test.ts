/** P5 at the OpenAI door: the caller's hang-up is a Stop. */
import { expect, test } from 'vitest'
import { startDoor, user } from '../http/door-client.ts'

test.each([true, false])('a hang-up stops the run within 100 ms upstream (stream: %s)', async (stream) => {
  const { client, server, fake } = await startDoor()
  const script = fake.manual()
  const abort = new AbortController()
  const asked = client.chat.completions
    .create({ model: 'm', messages: user('Hi'), stream }, { signal: abort.signal })
    .then(
      () => {},
      () => {},
    )
  const request = await script.request
  script.send('Some ')
  if (stream) await asked
  const hungUpAt = performance.now()
  abort.abort()
  expect((await request.hungUp) - hungUpAt).toBeLessThan(100)
  await asked
  await expect.poll(async () => (await server.call('GET', '/api/tasks')).body.items).toEqual([])
})
