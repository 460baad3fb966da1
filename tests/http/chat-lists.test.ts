/** `GET /api/chats`: by activity, unread on all devices, what goes on, and where a search has found something. */
import { expect, test } from 'vitest'
import { answer } from '../../testing/index.ts'
import { pay } from '../helpers/pay-tool.ts'
import { temporaryFolder } from '../store/fixtures.ts'
import { startWithPeople } from './people.ts'

for (const kind of ['memory:', 'sqlite:'])
  test(`${kind} the last active comes first, unread until it was read on any device, with what waits`, async () => {
    const url = kind === 'memory:' ? kind : `sqlite:${temporaryFolder()}/runnel.db`
    const { server, person, fake } = await startWithPeople({ DATABASE_URL: url, tools: [pay], RUNNEL_MODEL: 'm' })
    const [ann, bob] = [await person('ann'), await person('bob')]
    const list = async (who = ann) => (await who.call('GET', '/api/chats')).body.items as any[]
    const make = async (title: string) => (await ann.call('POST', '/api/chats', { title })).body.id as string
    const [first, second] = [await make('First'), await make('Second')]
    expect((await list()).map(({ title, unread }) => [title, unread])).toEqual([
      ['Second', false],
      ['First', false],
    ])

    fake.enqueue(answer({ text: 'Yes.' }))
    const asked = await ann.call('POST', `/api/chats/${first}/messages`, { content: 'Is it?', stream: false })
    expect((await list())[0]).toEqual({
      id: first,
      title: 'First',
      createdAt: expect.any(Number),
      role: 'owner',
      activeAt: asked.body.endedAt,
      readAt: asked.body.createdAt,
      unread: true,
      running: false,
      waiting: false,
      waitingForMe: false,
    })

    // Two devices of hers, and one of somebody else's.
    const devices = [ann.view(), ann.view(), bob.view()]
    await Promise.all(devices.map((device) => device.follow(first)))
    await ann.call('POST', `/api/chats/${first}/members`, { userId: 'bob', role: 'viewer' })
    const half = await ann.call('POST', `/api/chats/${first}/read`, { at: asked.body.endedAt - 1 })
    expect(half).toEqual({ status: 200, body: { chatId: first, readAt: asked.body.endedAt - 1 } })
    expect((await list())[0].unread).toBe(true)
    const all = await ann.call('POST', `/api/chats/${first}/read`)
    expect(all.body).toEqual({ chatId: first, readAt: asked.body.endedAt })
    expect((await list())[0].unread).toBe(false)
    const heard = (device: (typeof devices)[number]) =>
      device.control.filter((control) => control.type === 'chat' && control.event === 'read')
    for (const device of devices.slice(0, 2)) {
      await device.until(() => heard(device).length === 2, 'both reads')
      expect(heard(device).at(-1)).toEqual({ type: 'chat', event: 'read', chatId: first, readAt: asked.body.endedAt })
    }
    expect(heard(devices[2]!)).toEqual([])
    expect((await list(bob)).map(({ role, readAt, unread }) => [role, readAt, unread])).toEqual([
      ['viewer', null, true],
    ])
    for (const at of [-1, 1.5, 'now'])
      expect((await ann.call('POST', `/api/chats/${first}/read`, { at })).status).toBe(400)

    fake.enqueue(answer({ toolCalls: [{ id: 'c1', name: 'pay', arguments: '{}' }] }), answer({ text: 'Paid.' }))
    const paying = (await ann.call('POST', `/api/chats/${second}/messages`, { content: 'Pay!' })).body
    const standing = async (who = ann, chat = second) => {
      const { running, waiting, waitingForMe } = (await list(who)).find(({ id }) => id === chat)
      return { running, waiting, waitingForMe }
    }
    await expect.poll(() => standing()).toEqual({ running: false, waiting: true, waitingForMe: true })
    await ann.call('POST', `/api/chats/${second}/members`, { userId: 'bob', role: 'viewer' })
    expect(await standing(bob)).toEqual({ running: false, waiting: true, waitingForMe: false })
    await ann.call('POST', `/api/messages/${paying.messageId}/tool-calls/c1`, { decision: 'approve' })
    await expect.poll(() => standing()).toEqual({ running: false, waiting: false, waitingForMe: false })
    const stream = fake.manual()
    const live = (await ann.call('POST', `/api/chats/${first}/messages`, { content: 'Go on.' })).body
    await stream.request
    expect(await standing(ann, first)).toEqual({ running: true, waiting: false, waitingForMe: false })
    await ann.call('POST', `/api/messages/${live.messageId}/stop`)
    await expect.poll(() => standing(ann, first)).toEqual({ running: false, waiting: false, waitingForMe: false })
    expect(server.runnel.stats()).toBeDefined()
  })

test('a guest has no list: nothing is kept of what they read', async () => {
  const { server, person } = await startWithPeople()
  const ann = await person('ann')
  const chatId = (await ann.call('POST', '/api/chats', {})).body.id
  const { token } = (await ann.call('POST', `/api/chats/${chatId}/invites`, {})).body
  const headers = { authorization: `Bearer ${token}` }
  expect(await server.call('POST', `/api/chats/${chatId}/read`, {}, headers)).toEqual({
    status: 200,
    body: { chatId, readAt: null },
  })
})

for (const kind of ['memory:', 'sqlite:'])
  test(`${kind} a search says in which message it has found what, in plain words`, async () => {
    const url = kind === 'memory:' ? kind : `sqlite:${temporaryFolder()}/runnel.db`
    const { person, fake } = await startWithPeople({ DATABASE_URL: url })
    const ann = await person('ann')
    const chatId = (await ann.call('POST', '/api/chats', { title: 'Bread & butter' })).body.id
    const text = `<img src=x onerror=alert(1)> ${'filler words '.repeat(200)}the\n\u202eOcéan <b>tides</b> 😀 ${'more '.repeat(200)}`
    fake.enqueue(answer({ text }))
    const asked = await ann.call('POST', `/api/chats/${chatId}/messages`, { content: 'Why tide?', stream: false })
    const find = async (query: string) => {
      const { body } = await ann.call('GET', `/api/chats?query=${encodeURIComponent(query)}`)
      return body.items.map(({ match }: any) => ({
        messageId: match.messageId,
        text: match.snippet.map(({ text }: any) => text).join(''),
        matches: match.snippet.filter(({ match }: any) => match).map(({ text }: any) => text),
      }))
    }
    const [found] = await find('tid océ')
    expect(found).toMatchObject({ messageId: asked.body.id, matches: ['Océan', 'tides'] })
    expect(found.text).toMatch(/^…words filler .*words the Océan <b>tides<\/b> 😀 more .*…$/)
    expect(found.text.length).toBeLessThan(260)
    expect(await find('bread')).toEqual([{ messageId: null, text: 'Bread & butter', matches: ['Bread'] }])
    expect(await find('onerror')).toMatchObject([{ messageId: asked.body.id, matches: ['onerror'] }])
    expect((await find('why'))[0]).toMatchObject({
      messageId: asked.body.parentId,
      text: 'Why tide?',
      matches: ['Why'],
    })
  })
