/** Nothing is kept for every chat that was ever opened. */
import { expect, onTestFinished, test } from 'vitest'
import { queryObjects } from 'node:v8'
import { connect } from '../../client/index.ts'
import { EndedMessages, keptChars, keptMessages } from '../../client/ended.ts'
import { branchesOf } from '../../client/history.ts'
import { BranchView } from '../../client/live-branch.ts'
import { endedSnapshot } from '../../client/message.ts'
import { Replica } from '../../client/replica.ts'
import type { Message } from '../../shared/schema.ts'
import { memoryStore } from '../../testing/index.ts'
import { start } from '../http/server.ts'

/** The machine may be busy. */
const soon = <T>(value: () => T) => expect.poll(value, { timeout: 12_000, interval: 10 })

/** Copies and branches that anything in this process still holds. */
const left = () => [queryObjects(Replica), queryObjects(BranchView)]

/** But for what the last step of the test, or the engine, has in its hands. */
const isNothing = (counts: number[]) => counts.every((count) => count <= 2)

test('500 chats that were opened and left leave nothing behind, whether the server was there or not', async () => {
  const store = memoryStore()
  const ids = Array.from({ length: 500 }, (_, i) => `chat_${String(i).padStart(8, '0')}`)
  for (const id of ids) await store.createChat({ id, ownerId: 'local', title: 'T', system: null, createdAt: 1 }, 'line')
  const server = await start({ store })
  const client = connect({ url: server.url })
  onTestFinished(() => client.close())
  const visit = async (id: string) => {
    const chat = client.chat(id)
    chat.setPresence({ here: true })
    const stop = chat.branch.subscribe(() => {})
    const leave = client.message(id.replace('chat_', 'msg_')).subscribe(() => {})
    await chat.until(({ status }) => status === 'live')
    chat.branch.getSnapshot()
    leave()
    stop()
  }
  for (let i = 0; i < 500; i += 50) await Promise.all(ids.slice(i, i + 50).map(visit))
  await soon(left).toSatisfy(isNothing)
  await soon(() => server.runnel.stats().viewers).toBe(0)

  await client.close()
  const away = connect({ url: 'http://127.0.0.1:9' })
  onTestFinished(() => away.close())
  for (const id of ids) {
    const stop = away.chat(id).branch.subscribe(() => {})
    await Promise.resolve()
    stop()
  }
  await soon(left).toSatisfy(isNothing)
}, 60_000)

test('of choices in chats that were left the last 50 are kept', async () => {
  const client = connect({ url: 'http://127.0.0.1:9' })
  onTestFinished(() => client.close())
  const id = (i: number) => `chat_${String(i).padStart(8, '0')}`
  for (let i = 0; i < 80; i++) {
    client.chat(id(i)).branch.getSnapshot()
    client.chat(id(i)).branch.choose('msg_11111111')
  }
  expect(queryObjects(BranchView)).toBe(50)
})

function message(id: string, chars: number): Message {
  const output = [
    { id: 'b', type: 'text' as const, status: 'completed' as const, text: 'x'.repeat(chars), annotations: [] },
  ]
  return { id, chatId: 'c', parentId: null, role: 'assistant', status: 'completed', createdAt: 1, schema: 1, output }
}

test('messages that have ended are kept within a count and a size; the one used longest ago goes first', () => {
  const ended = new EndedMessages()
  const put = (id: string, chars: number) => ended.put(id, 'v', endedSnapshot(message(id, chars)))
  const has = (id: string) => ended.get(id, 'v') !== undefined
  for (let i = 0; i < keptMessages; i++) put(`m${i}`, 10)
  expect([has('m0'), ended.get('m0', 'another version')]).toEqual([true, undefined])
  put('new', 10)
  expect([has('m0'), has('m1'), has('m2')]).toEqual([true, false, true])
  for (let i = 0; i < 4; i++) put(`large${i}`, keptChars / 3)
  expect([has('large0'), has('large1'), has('large2'), has('large3'), has('new')]).toEqual([
    false,
    false,
    true,
    true,
    false,
  ])
  put('huge', keptChars)
  expect([has('huge'), has('large3')]).toEqual([false, false])
  put('small', 10)
  expect(has('small')).toBe(true)
})

test('what is wanted of one branch is read together, with what stands close between', () => {
  const parent = (id: string) => {
    const [branch, n] = [id[0]!, Number(id.slice(1))]
    return n > 0 ? `${branch}${n - 1}` : branch === 'b' ? 'a2' : null
  }
  const of = (...ids: string[]) => branchesOf(new Set(ids), parent).map((branch) => branch.join(' '))
  expect(of()).toEqual([])
  expect(of('a5')).toEqual(['a5'])
  expect(of('a1', 'a2', 'a3')).toEqual(['a3 a2 a1'])
  expect(of('a7', 'a3', 'a1')).toEqual(['a7 a6 a5 a4 a3 a2 a1'])
  expect(of('a9', 'a4', 'a3')).toEqual(['a9', 'a4 a3'])
  // Two branches share what is above them: it is read with the first.
  expect(of('a3', 'a2', 'a1', 'b0')).toEqual(['a3 a2 a1', 'b0'])
})
