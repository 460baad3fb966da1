import { createServer } from 'node:net'
import { expect, test } from 'vitest'
import * as Y from 'yjs'
import { watchListeners } from './listeners.ts'
import { countOpen, whatStaysOpen } from '../../testing/world/left-open.ts'

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

test('tells of a document and a signal that collect listeners, and of none whose listeners go', () => {
  const { found, stop } = watchListeners({ ofDocument: 3, ofSignal: 3 })
  const listen = (doc: Y.Doc, signal: AbortSignal) => {
    const listener = () => {}
    doc.on('update', listener)
    signal.addEventListener('abort', listener)
    return () => {
      doc.off('update', listener)
      signal.removeEventListener('abort', listener)
    }
  }
  const [good, bad] = [new AbortController(), new AbortController()]
  const [goodDoc, badDoc] = [new Y.Doc(), new Y.Doc()]
  for (let i = 0; i < 50; i++) listen(goodDoc, good.signal)()
  expect(found()).toEqual([])
  for (let i = 0; i < 4; i++) listen(badDoc, bad.signal)
  stop()
  expect(found()).toEqual([expect.stringMatching(/update on one document/), expect.stringMatching(/one signal/)])
})
