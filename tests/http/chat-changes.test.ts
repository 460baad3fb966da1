/** What a chat says for its runs, what its members pin, and who came by which invite. */
import { expect, test } from 'vitest'
import { answer } from '../../testing/index.ts'
import { Person, startWithPeople } from './people.ts'

async function startShared(settings: object = {}) {
  const { server, fake, person } = await startWithPeople({
    RUNNEL_MODEL: 'small',
    RUNNEL_MODELS: 'small,large',
    RUNNEL_ALLOWED_PARAMS: 'top_p,temperature',
    ...settings,
  })
  const owner = await person('ada', { name: 'Ada' })
  const { id } = (await owner.call('POST', '/api/chats', { system: 'Be brief.' })).body
  const path = `/api/chats/${id}`
  for (const role of ['editor', 'viewer'])
    await owner.call('POST', `${path}/members`, { userId: role, name: role, role })
  const [editor, viewer, stranger] = await Promise.all(['editor', 'viewer', 'stranger'].map((user) => person(user)))
  const guest = new Person(server, (await owner.call('POST', `${path}/invites`, { role: 'editor' })).body.token)
  const asked = async (by: Person, body: object = {}) => {
    fake.enqueue(answer({ text: 'Yes.' }))
    await by.call('POST', `${path}/messages`, { content: 'Why?', stream: false, ...body })
    return fake.requests.at(-1)!.body as Record<string, any>
  }
  return { server, fake, owner, editor: editor!, viewer: viewer!, stranger: stranger!, guest, id, path, asked }
}

test('system, model and params of a chat are those of later runs, under what a request says', async () => {
  const { owner, editor, guest, path, id, asked } = await startShared({ RUNNEL_GUEST_MODELS: 'small' })
  const news = owner.view()
  await news.follow(id)
  expect((await asked(owner)).model).toBe('small')
  const change = { title: 'Tides', system: 'Be kind.', model: 'large', params: { top_p: 0.5, temperature: 1 } }
  const { status, body } = await editor.call('PATCH', path, change)
  expect([status, body]).toEqual([200, expect.objectContaining({ id, ...change })])
  expect((await owner.call('GET', path)).body).toMatchObject(change)
  expect(await asked(owner, { params: { temperature: 0 } })).toMatchObject({
    model: 'large',
    top_p: 0.5,
    temperature: 0,
    messages: expect.arrayContaining([{ role: 'system', content: 'Be kind.' }]),
  })
  expect((await asked(owner, { model: 'small' })).model).toBe('small')
  await expect
    .poll(() => news.control.filter((message) => message.type === 'chat' && /renamed|changed/.test(message.event)))
    .toMatchObject([
      { event: 'renamed', title: 'Tides' },
      { event: 'changed', chatId: id },
    ])

  // Guests see what is said, and not what the model is told.
  const guests = (await guest.call('GET', path)).body
  expect(guests).toMatchObject({ title: 'Tides', model: 'large' })
  for (const hidden of ['system', 'params']) expect(guests).not.toHaveProperty(hidden)
  for (const hidden of [{ system: 'Mine.' }, { params: {} }])
    expect((await guest.call('PATCH', path, hidden)).status).toBe(403)

  await editor.call('PATCH', path, { system: null, model: null, params: null })
  const plain = await asked(owner)
  expect(plain.model).toBe('small')
  expect(plain).not.toHaveProperty('top_p')
  expect(JSON.stringify(plain)).not.toContain('Be ')

  // A model that this caller may not ask is not theirs because the chat says it.
  await editor.call('PATCH', path, { model: 'large' })
  expect((await asked(guest)).model).toBe('small')
  expect((await asked(owner)).model).toBe('large')
  expect((await guest.call('PATCH', path, { model: 'large' })).status).toBe(403)
})

test.each([
  [{}, /changed/],
  [{ model: 'unknown' }, /model/],
  [{ params: { logit_bias: {} } }, /logit_bias/],
  [{ params: { model: 'x' } }, /model/],
  [{ params: { top_p: 'x'.repeat(10_001) } }, /params/],
  [{ title: '' }, /title/],
  [{ pinned: 'yes' }, /pinned/],
  [{ system: 7 }, /system/],
] as const)('PATCH /api/chats %j is 400, and changes nothing', async (wrong, words) => {
  const { owner, path } = await startShared()
  const before = (await owner.call('GET', path)).body
  const { status, body } = await owner.call('PATCH', path, {
    ...wrong,
    ...(Object.keys(wrong).length > 0 && !('title' in wrong) && { title: 'Other' }),
  })
  expect([status, body.error.code]).toEqual([400, 'bad_request'])
  expect(body.error.message).toMatch(words)
  expect((await owner.call('GET', path)).body).toEqual(before)
})

test('a pin is of one member, whatever the role; all else needs an editor', async () => {
  const { owner, viewer, stranger, guest, path, id } = await startShared()
  expect((await viewer.call('PATCH', path, { pinned: true })).body).toMatchObject({ id, pinned: true })
  expect((await viewer.call('GET', '/api/chats')).body.items).toMatchObject([{ id, pinned: true }])
  expect((await owner.call('GET', '/api/chats')).body.items[0]).not.toHaveProperty('pinned')
  expect((await viewer.call('GET', '/api/chats?pinned=true')).body.items).toMatchObject([{ id, pinned: true }])
  expect((await owner.call('GET', '/api/chats?pinned=true')).body).toEqual({ items: [], nextCursor: null })
  for (const query of ['pinned=no', 'pinned=true&query=moon'])
    expect((await owner.call('GET', `/api/chats?${query}`)).status, query).toBe(400)
  expect((await owner.call('GET', path)).body).not.toHaveProperty('pinned')
  for (const body of [{ title: 'New' }, { pinned: false, model: 'large' }])
    expect((await viewer.call('PATCH', path, body)).status).toBe(403)
  expect((await viewer.call('GET', path)).body.pinned).toBe(true)
  expect((await guest.call('PATCH', path, { pinned: true })).status).toBe(403)
  expect((await stranger.call('PATCH', path, { pinned: true })).status).toBe(404)
  await viewer.call('PATCH', path, { pinned: false })
  expect((await viewer.call('GET', path)).body).not.toHaveProperty('pinned')
})

test('the owner reads who came by which invite', async () => {
  const { owner, editor, stranger, path } = await startShared()
  const { id, token } = (await owner.call('POST', `${path}/invites`, { role: 'viewer' })).body
  await stranger.call('POST', '/api/invites/redeem', { token })
  const { items } = (await owner.call('GET', `${path}/invites`)).body
  expect(items.map(({ usedBy }: { usedBy: unknown }) => usedBy)).toEqual([
    undefined,
    [{ userId: 'stranger', name: 'stranger' }],
  ])
  const inviteOf = async (person: Person) =>
    (await person.call('GET', `${path}/members`)).body.items.find((member: any) => member.userId === 'stranger')
      .inviteId
  expect([await inviteOf(owner), await inviteOf(editor)]).toEqual([id, undefined])
  // The invite goes, and who came by it is still known.
  await owner.call('DELETE', `${path}/invites/${id}`)
  expect(await inviteOf(owner)).toBe(id)
})
