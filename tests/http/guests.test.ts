/** What somebody who came by a link alone is told: all that is said in the chat, and neither its members' ids nor its system prompt. */
import { expect, test } from 'vitest'
import {
  decodeAwareness,
  decodeChannelMessages,
  decodeStock,
  encodeAwareness,
  encodeChannelMessage,
  encodeStock,
} from '../../shared/protocol.ts'
import { table } from '../../server/http/routes.ts'
import { Client } from '../socket/sockets.ts'
import { startWithPeople, Person, type tokenOf } from './people.ts'

const system = 'You are the secret prompt.'
const ids = ['owner-id-4711', 'member-id-4712']

function states(frame: string, isStock: boolean): any[] {
  const bytes = Buffer.from(frame, 'hex')
  const messages = isStock ? [bytes] : [...decodeChannelMessages(bytes)].map(({ message }) => message)
  return messages.flatMap((message) => {
    const stock = decodeStock(message)
    return stock.type === 'awareness' ? decodeAwareness(stock.update).map(({ state }) => JSON.parse(state)) : []
  })
}

test('a guest finds no member’s id and no system prompt: HTTP, events, both sockets, presence', async () => {
  const { server, fake, person } = await startWithPeople()
  const [owner, member] = (await Promise.all(
    ids.map((id, i) => person(id, { name: ['Ada', 'Bob'][i] } as Parameters<typeof tokenOf>[1])),
  )) as [Person, Person]
  const stream = fake.manual()
  const chat = (await owner.call('POST', '/api/chats', { title: 'Tides', system })).body
  expect(chat.system).toBe(system)
  await owner.call('POST', `/api/chats/${chat.id}/members`, { userId: ids[1], name: 'Bob', role: 'editor' })
  const { messageId, userMessageId, taskId } = await owner.ask('Why are there tides?', chat.id)
  await stream.request
  stream.send('The moon.')
  const invite = (await owner.call('POST', `/api/chats/${chat.id}/invites`, { role: 'editor' })).body
  const guest = new Person(server, invite.token)

  // Members say that they are there, on both kinds of socket.
  const socketOf = async ({ token }: Person) => {
    const client = new Client(`${server.url.replace(/^http/, 'ws')}/ws`)
    await client.send(JSON.stringify({ type: 'hello', v: 1, token }))
    await client.send(JSON.stringify({ type: 'subscribe', docs: [{ doc: chat.id }, { doc: messageId }] }))
    await expect
      .poll(() => client.frames.find((frame) => frame.includes('"subscribed"')), { timeout: 5_000 })
      .toBeDefined()
    const { docs } = JSON.parse(client.frames.find((frame) => frame.includes('"subscribed"'))!)
    return { client, channel: docs.find(({ doc }: { doc: string }) => doc === chat.id).channel as number }
  }
  const here = (clientId: number) =>
    encodeStock({ type: 'awareness', update: encodeAwareness([{ clientId, clock: 1, state: '{"typing":true}' }]) })
  const owners = await socketOf(owner)
  await owners.client.send(encodeChannelMessage(owners.channel, here(11)))
  const members = member.open(chat.id)
  await members.send(Uint8Array.of(0, 0, 1, 0))
  await members.received(1)
  await members.send(here(12))

  const guests = await socketOf(guest)
  const stock = guest.open(chat.id)
  await stock.send(Uint8Array.of(0, 0, 1, 0))
  const seen = () => [
    guests.client.frames.filter((frame) => !frame.startsWith('{')).flatMap((frame) => states(frame, false)),
    stock.frames.flatMap((frame) => states(frame, true)),
  ]
  for (const index of [0, 1])
    await expect
      .poll(() => [...new Set(seen()[index]!.map((state) => state?.user?.name))].sort(), { timeout: 5_000 })
      .toEqual(['Ada', 'Bob'])
  const told = seen().flat()
  expect(new Set(told.map(({ user }) => user.id)).size).toBe(2)
  for (const { user, typing } of told)
    expect([user.id, typing]).toEqual([expect.stringMatching(/^member:[\w-]{20}$/), true])
  // Members know each other.
  await expect
    .poll(() => members.frames.flatMap((frame) => states(frame, true)).map((state) => state?.user?.id), {
      timeout: 5_000,
    })
    .toContain(ids[0])

  stream.end()
  const events = await fetch(`${server.url}/api/messages/${messageId}/events`, {
    headers: { authorization: `Bearer ${invite.token}` },
  })
  const texts = [await events.text(), JSON.stringify(told), ...guests.client.frames, ...stock.frames]
  texts.push(...[...guests.client.frames, ...stock.frames].map((frame) => Buffer.from(frame, 'hex').toString('latin1')))
  const places: Record<string, string> = {
    chatId: chat.id,
    taskId,
    userId: ids[1]!,
    inviteId: invite.id,
    fileId: 'file_none',
    model: 'm',
    callId: 'call_none',
  }
  for (const { method, path } of table) {
    for (const id of path.includes(':messageId') ? [messageId, userMessageId] : ['']) {
      if (path.endsWith('/events') || method === 'delete') continue
      const at = path.replaceAll(/:(\w+)/g, (_all, name: string) => (name === 'messageId' ? id : places[name]!))
      texts.push(JSON.stringify(await guest.call(method.toUpperCase(), at, method === 'get' ? undefined : {})))
    }
  }
  texts.push(JSON.stringify(await guest.call('PATCH', `/api/chats/${chat.id}`, { title: 'By a guest' })))
  expect(texts.some((text) => text.includes('By a guest'))).toBe(true)
  for (const text of texts) for (const hidden of [...ids, system]) expect(text).not.toContain(hidden)

  const { items } = (await guest.call('GET', `/api/chats/${chat.id}/members`)).body
  expect(items).toMatchObject([
    { name: 'Ada', role: 'owner', userId: told.find(({ user }) => user.name === 'Ada').user.id },
    { name: 'Bob', role: 'editor', userId: told.find(({ user }) => user.name === 'Bob').user.id },
  ])
  expect((await member.call('GET', `/api/chats/${chat.id}`)).body.system).toBe(system)
})
