/** Messages that wait in a chat of several nodes: whichever node saves an end, or is left, sends the next one, once. */
import { expect, test } from 'vitest'
import { isTerminal, readChat, type Message, type WaitingEntry } from '../../shared/schema.ts'
import { newWorld, usePostgres, view } from './nodes.ts'
import { fall, testFalls } from './waiting-falls.ts'

usePostgres()

testFalls('a node', 'another', async (how) => {
  const { fake, settings, node } = await newWorld({ settings: { RUNNEL_LEASE_MS: 600 } })
  const other = await node()
  await fall(fake, settings, () => Promise.resolve(other), how)
})

test(
  'on two nodes at once: one order, each once, and the document says on both what waits',
  { timeout: 30_000 },
  async () => {
    const { fake, node } = await newWorld()
    const [a, b] = await Promise.all([node(), node()])
    const { id: chatId } = (await a.call('POST', '/api/chats', {})).body
    const path = `/api/chats/${chatId}`
    const copies = await Promise.all([a, b].map(async (at) => (await view(at).follow(chatId))[0]!))
    const stream = fake.manual()
    await a.call('POST', `${path}/messages`, { content: 'q0' })
    await stream.request
    const sent = await Promise.all(
      Array.from({ length: 8 }, (_, i) =>
        [a, b][i % 2]!.call('POST', `${path}/messages`, { content: `q${i + 1}`, whenBusy: 'queue' }),
      ),
    )
    expect(sent.map(({ status }) => status)).toEqual(Array.from({ length: 8 }, () => 202))
    const waiting = async () => (await a.call('GET', `${path}/waiting`)).body.items as WaitingEntry[]
    const ids = (await waiting()).map(({ id }) => id)
    // Moved, changed and removed on both nodes at once.
    await Promise.all([
      a.call('PATCH', `${path}/waiting/${ids[7]}`, { before: ids[0] }),
      b.call('PATCH', `${path}/waiting/${ids[2]}`, { content: 'other' }),
      a.call('DELETE', `${path}/waiting/${ids[4]}`),
      b.call('DELETE', `${path}/waiting/${ids[4]}`),
      b.call('PATCH', `${path}/waiting/${ids[1]}`, { after: ids[6] }),
    ])
    const order = (await waiting()).map(({ id }) => id)
    expect(order).toHaveLength(7)
    for (const copy of copies)
      await expect.poll(() => readChat(copy.doc).chat.waiting?.map(({ id }) => id), { timeout: 5_000 }).toEqual(order)
    await b.call('POST', `${path}/waiting/${order[3]}/send`)
    const expected = [order[3], ...order.filter((id) => id !== order[3])]
    const history = async () => (await b.call('GET', `${path}/messages?limit=200`)).body.items as Message[]
    await expect
      .poll(
        async () => {
          const messages = await history()
          return [messages.length, messages.every(({ status }) => isTerminal(status))]
        },
        { timeout: 15_000 },
      )
      .toEqual([16, true])
    const messages = await history()
    const questions = messages.filter(({ role }) => role === 'user')
    expect(questions.slice(1).map(({ id }) => id)).toEqual(expected)
    for (const [index, { parentId }] of questions.entries())
      if (index > 0) expect(messages.find(({ id }) => id === parentId)?.parentId).toBe(questions[index - 1]!.id)
    expect(messages.find(({ parentId }) => parentId === questions[0]!.id)?.status).toBe('stopped')
    expect(fake.requests).toHaveLength(8)
    for (const copy of copies)
      await expect.poll(() => readChat(copy.doc).chat.waiting, { timeout: 5_000 }).toBeUndefined()
  },
)
