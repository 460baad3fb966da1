/** P8: who may see and do what, by members, roles and invites. */
import { expect, test, vi } from 'vitest'
import { memoryStore } from '../../server/store/memory/memory.ts'
import { AccessGate } from './gate.ts'
import { Person, startWithPeople } from './people.ts'

/** P8: what follows without the right ends within this time. */
const revokedMs = 1_000

async function startShared() {
  const started = await startWithPeople()
  const [owner, editor, viewer, stranger] = await Promise.all(
    ['owner', 'editor', 'viewer', 'stranger'].map((name) => started.person(name)),
  )
  const stream = started.fake.manual()
  const ids = await owner!.ask('Hello')
  for (const role of ['editor', 'viewer']) {
    expect(
      await owner!.call('POST', `/api/chats/${ids.chatId}/members`, { userId: role, name: role.toUpperCase(), role }),
    ).toEqual({ status: 201, body: { userId: role, name: role.toUpperCase(), role, joinedAt: expect.any(Number) } })
  }
  return { ...started, owner: owner!, editor: editor!, viewer: viewer!, stranger: stranger!, stream, ...ids }
}

async function invite(
  owner: Person,
  chatId: string,
  body: object = {},
): Promise<{ id: string; token: string; guest: Person }> {
  const { status, body: made } = await owner.call('POST', `/api/chats/${chatId}/invites`, body)
  expect(status).toBe(201)
  return { ...made, guest: new Person(owner.server, made.token) }
}

/** Runs `end` and measures how long it takes until `ended`. */
async function endsInTime(end: () => Promise<unknown>, ended: () => Promise<unknown>): Promise<void> {
  const at = performance.now()
  await end()
  await ended()
  expect(performance.now() - at).toBeLessThan(revokedMs)
}

test('members are listed, the owner first, and each sees the chat in his own list', async () => {
  const { owner, editor, viewer, stranger, chatId } = await startShared()
  const { body } = await viewer.call('GET', `/api/chats/${chatId}/members`)
  expect(body.items.map(({ userId, name, role }: any) => [userId, name, role])).toEqual([
    ['owner', 'owner', 'owner'],
    ['editor', 'EDITOR', 'editor'],
    ['viewer', 'VIEWER', 'viewer'],
  ])
  for (const person of [owner, editor, viewer])
    expect((await person.call('GET', '/api/chats')).body.items.map(({ id }: any) => id)).toEqual([chatId])
  expect((await stranger.call('GET', '/api/chats')).body.items).toEqual([])
})

test('the owner can neither be removed nor become less; a role is given to others only', async () => {
  const { owner, editor, chatId } = await startShared()
  const code = async (person: Person, method: string, path: string, body?: object) =>
    (await person.call(method, `/api/chats/${chatId}/members${path}`, body)).status
  expect(await code(owner, 'DELETE', '/owner')).toBe(400)
  expect(await code(owner, 'POST', '', { userId: 'owner', role: 'viewer' })).toBe(400)
  expect(await code(owner, 'POST', '', { userId: 'editor', role: 'owner' })).toBe(400)
  expect(await code(owner, 'DELETE', '/nobody')).toBe(404)
  expect(await code(editor, 'DELETE', '/viewer')).toBe(403)
  expect(await code(editor, 'DELETE', '/editor')).toBe(204)
  expect(await code(editor, 'GET', '')).toBe(404)
})

test("removing a member ends what he follows, on /ws and /yjs, and nobody else's", async () => {
  const { owner, editor, viewer, chatId, messageId, stream } = await startShared()
  stream.send('Before. ')
  const [gone, stays] = [viewer.view(), editor.view()]
  const [chat, message] = await gone.follow(chatId, messageId)
  const [other] = await stays.follow(messageId)
  await gone.until(() => chat!.subscribed !== null && message!.text === 'Before. ', 'the text')
  const stock = viewer.open(messageId)
  await stock.send(Uint8Array.of(0, 0, 1, 0))
  await stock.received(1)
  const quiet = viewer.open(messageId)
  await quiet.send()
  await endsInTime(
    () => owner.call('DELETE', `/api/chats/${chatId}/members/viewer`),
    async () => {
      await gone.until(() => chat!.refused !== null && message!.refused !== null, 'the refusals')
      expect((await stock.close()).code).toBe(4403)
    },
  )
  expect([chat!.refused!.code, message!.refused!.code]).toEqual(['not_found', 'not_found'])
  // One that was let in and had asked for nothing yet gets nothing now.
  await quiet.send(Uint8Array.of(0, 0, 1, 0))
  expect((await quiet.close()).code).toBe(4403)
  expect(quiet.frames).toEqual([])
  stream.send('After.')
  await stays.until(() => other!.text === 'Before. After.', 'the text of another')
  expect(message!.text).toBe('Before. ')
  expect(gone.closed).toBeNull()
  expect(await viewer.subscribe(messageId)).toBe('not_found')
})

test('deleting a chat ends what is followed, with its runs', async () => {
  const { owner, viewer, chatId, messageId, stream, fake } = await startShared()
  stream.send('Before.')
  const watching = viewer.view()
  const [chat, message] = await watching.follow(chatId, messageId)
  await watching.until(() => message!.text === 'Before.', 'the text')
  const stock = viewer.open(chatId)
  await stock.send(Uint8Array.of(0, 0, 1, 0))
  await stock.received(1)
  const request = await fake.received(1)
  await endsInTime(
    () => owner.call('DELETE', `/api/chats/${chatId}`),
    async () => {
      await watching.until(() => chat!.refused !== null && message!.refused !== null, 'the refusals')
      expect((await stock.close()).code).toBe(4403)
    },
  )
  await request.hungUp
  for (const doc of [chatId, messageId]) expect(await owner.subscribe(doc)).toBe('not_found')
})

test.each(['member', 'chat'])('a subscribe that is in flight while the %s is removed follows nothing', async (what) => {
  const { owner, viewer, chatId, messageId } = await startShared()
  const watching = viewer.view()
  await watching.until(() => watching.control.length > 0, 'the welcome')
  // The right is found out, and the answer held back: the worst moment.
  const gate = AccessGate.close()
  const [message] = await watching.follow(messageId)
  const [chat] = await watching.follow(chatId)
  const stock = viewer.open(messageId)
  await stock.send(Uint8Array.of(0, 0, 1, 0))
  await gate.reached(3)
  gate.letOthersPass()
  await owner.call('DELETE', what === 'chat' ? `/api/chats/${chatId}` : `/api/chats/${chatId}/members/viewer`)
  gate.open()
  await watching.until(() => message!.refused !== null && chat!.refused !== null, 'the refusals')
  expect([message!.refused!.code, chat!.refused!.code]).toEqual(['not_found', 'not_found'])
  expect((await stock.close()).code).toBe(4403)
  expect(stock.frames).toEqual([])
})

test('an invite is made, listed without its token, and used as a bearer token for one chat in one role', async () => {
  const { owner, chatId, messageId } = await startShared()
  const other = await owner.ask('Elsewhere')
  const { id, token, guest } = await invite(owner, chatId)
  expect((await owner.call('GET', `/api/chats/${chatId}/invites`)).body).toEqual({
    items: [{ id, role: 'viewer', createdAt: expect.any(Number), expiresAt: expect.any(Number) }],
    nextCursor: null,
  })
  expect(token).toMatch(/^inv_[\w-]{32}$/)
  expect((await guest.call('GET', `/api/chats/${chatId}`)).status).toBe(200)
  expect((await guest.call('GET', `/api/messages/${messageId}`)).status).toBe(200)
  expect(await guest.subscribe(messageId)).toBe('followed')
  expect(await guest.follow(chatId)).toBe('followed')
  expect((await guest.call('POST', `/api/chats/${chatId}/messages`, { content: 'Hi' })).status).toBe(403)
  for (const path of ['/api/chats', `/api/chats/${chatId}/invites`])
    expect((await guest.call('GET', path)).status, path).toBe(403)
  expect((await guest.call('POST', '/api/chats', {})).status).toBe(403)
  expect((await guest.call('POST', '/api/invites/redeem', { token })).status).toBe(403)
  expect((await guest.call('GET', `/api/chats/${other.chatId}`)).status).toBe(404)
  expect(await guest.subscribe(other.messageId)).toBe('not_found')
  expect(await guest.follow(other.chatId)).toBe('4403')
})

test("an editor's invite may say something and stop it", async () => {
  const { owner, chatId, messageId } = await startShared()
  const { guest } = await invite(owner, chatId, { role: 'editor' })
  expect((await guest.call('POST', `/api/messages/${messageId}/stop`, {})).body.status).toBe('stopped')
  expect((await guest.ask('Hi', chatId)).chatId).toBe(chatId)
})

test('revoking an invite ends the connections that use it, and leaves members', async () => {
  const { owner, stranger, chatId, messageId } = await startShared()
  const { id, token, guest } = await invite(owner, chatId)
  expect((await stranger.call('POST', '/api/invites/redeem', { token })).body).toEqual({ chatId, role: 'viewer' })
  const [guestView, memberView] = [guest.view(), stranger.view()]
  const [guestCopy] = await guestView.follow(messageId)
  const [memberCopy] = await memberView.follow(messageId)
  const stock = guest.open(messageId)
  await stock.send(Uint8Array.of(0, 0, 1, 0))
  await stock.received(1)
  await memberView.until(() => memberCopy!.subscribed !== null, 'the member')
  await guestView.until(() => guestCopy!.subscribed !== null, 'the guest')
  await endsInTime(
    () => owner.call('DELETE', `/api/chats/${chatId}/invites/${id}`),
    async () => {
      await guestView.until(() => guestCopy!.refused?.code === 'not_found', 'the refusal')
      expect((await stock.close()).code).toBe(4403)
    },
  )
  expect((await guest.call('GET', `/api/chats/${chatId}`)).status).toBe(401)
  expect((await owner.call('DELETE', `/api/chats/${chatId}/invites/${id}`)).status).toBe(404)
  expect((await stranger.call('POST', '/api/invites/redeem', { token })).status).toBe(404)
  expect(memberCopy!.refused).toBeNull()
  expect((await stranger.call('GET', `/api/chats/${chatId}`)).status).toBe(200)
})

test('a chat that is deleted while an invite of it is redeemed gets no member', async () => {
  const store = memoryStore()
  const member = { userId: 'late', name: 'Late', role: 'viewer', joinedAt: 1 } as const
  await expect(store.putMember('chat_gone', member)).rejects.toMatchObject({ code: 'not_found' })
  await expect(
    store.putInvite({ id: 'i', chatId: 'chat_gone', role: 'viewer', tokenHash: 'h', createdAt: 1, expiresAt: 2 }),
  ).rejects.toMatchObject({ code: 'not_found' })
  expect(await store.listMembers('chat_gone')).toEqual([])
})

test('redeeming twice is fine, raises a role and lowers none', async () => {
  const { owner, editor, stranger, chatId } = await startShared()
  const [low, high] = [await invite(owner, chatId), await invite(owner, chatId, { role: 'editor' })]
  const redeem = async (person: Person, token: string) =>
    (await person.call('POST', '/api/invites/redeem', { token })).body.role
  expect(await redeem(stranger, low.token)).toBe('viewer')
  expect(await redeem(stranger, low.token)).toBe('viewer')
  expect(await redeem(stranger, high.token)).toBe('editor')
  expect(await redeem(stranger, low.token)).toBe('editor')
  expect(await redeem(editor, low.token)).toBe('editor')
  expect(await redeem(owner, high.token)).toBe('owner')
  expect((await owner.call('GET', `/api/chats/${chatId}/members`)).body.items).toHaveLength(4)
})

test('an expired invite opens nothing and ends the connections that use it', async () => {
  vi.useFakeTimers({ toFake: ['Date'], now: Date.now() })
  try {
    const { owner, stranger, chatId, messageId } = await startShared()
    const { token, guest } = await invite(owner, chatId, { expiresInSeconds: 60 })
    const watching = guest.view()
    const [copy] = await watching.follow(messageId)
    await watching.until(() => copy!.subscribed !== null, 'the subscription')
    const stock = guest.open(messageId)
    await stock.send(Uint8Array.of(0, 0, 1, 0))
    await stock.received(1)
    vi.setSystemTime(Date.now() + 60_000)
    await vi.waitFor(() => expect(watching.closed?.code).toBe(4401), { timeout: 5_000 })
    expect((await stock.close()).code).toBe(1008)
    expect((await guest.call('GET', `/api/chats/${chatId}`)).status).toBe(401)
    expect((await stranger.call('POST', '/api/invites/redeem', { token })).status).toBe(404)
  } finally {
    vi.useRealTimers()
  }
})
