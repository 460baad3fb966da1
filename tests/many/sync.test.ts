/** Sessions over HTTP where what is said lands on another node than the one that holds them. */
import { setTimeout as sleep } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { encodeFrame, FrameReader, type Frame } from '../../shared/frames.ts'
import { newWorld, usePostgres } from './nodes.ts'

usePostgres()

const say = (message: object): Frame => ({ type: 'text', text: JSON.stringify(message) })

async function ask(node: { url: string }, path: string, frames: readonly Frame[] = []) {
  const response = await fetch(`${node.url}/api/sync${path}`, {
    method: 'POST',
    body: Buffer.concat(frames.map(encodeFrame)),
  })
  const bytes = await response.bytes()
  const read = response.status === 200 ? [...new FrameReader(10_000_000).read(bytes)] : []
  return {
    status: response.status,
    retryAfter: response.headers.get('retry-after'),
    said: read.flatMap((frame) => (frame.type === 'text' ? [JSON.parse(frame.text)] : [])),
  }
}

test('H8, H10: is said and asked through any node, taken once, ended from any, and is gone with its node', async () => {
  const world = await newWorld()
  const [a, b] = await Promise.all([world.node(), world.node()])
  const { chatId } = await a.ask('Hello')
  const open = async () => (await ask(a, '?transport=poll', [say({ type: 'hello', v: 1 })])).said[0].session as string
  const session = await open()
  expect(a.runnel.stats().transports.poll).toBe(1)
  // Once, whichever node it is said at.
  const subscribe = [say({ type: 'subscribe', docs: [{ doc: chatId }] })]
  for (const node of [b, a, b]) expect((await ask(node, `/${session}?n=1`, subscribe)).status).toBe(204)
  await sleep(300)
  const polled = await ask(b, `/${session}?ack=1`)
  expect(polled.said.filter(({ type }) => type === 'subscribed')).toHaveLength(1)
  // The same answer again, through the other node, until it is acknowledged.
  expect((await ask(a, `/${session}?ack=1`)).said).toEqual(polled.said)
  expect((await ask(b, `/${session}?n=3`)).status).toBe(400)

  // Another at another node takes its place.
  const old = await open()
  expect((await ask(b, `?transport=poll&instead=${old}`, [say({ type: 'hello', v: 1 })])).status).toBe(200)
  await expect.poll(() => a.runnel.stats().transports.poll, { timeout: 5_000 }).toBe(0)
  expect((await ask(b, `/${old}?ack=1`)).status).toBe(404)

  const last = await open()
  await a.close()
  const { status, retryAfter } = await ask(b, `/${last}?ack=1`)
  expect({ status, retryAfter }).toEqual({ status: 503, retryAfter: '1' })
})
