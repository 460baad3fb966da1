/** W24: a change of a role is told to those who follow. */
import { expect, onTestFinished, test } from 'vitest'
import { connect, type LiveChat } from '../../client/index.ts'
import { until } from '../socket/sockets.ts'
import { AccessGate } from './gate.ts'
import { startWithPeople, type Person } from './people.ts'
import { closeAfterwards } from './server.ts'

async function startShared() {
  const started = await startWithPeople()
  const [ada, bob, cid] = await Promise.all([started.person('ada'), started.person('bob'), started.person('cid')])
  started.fake.manual()
  const ids = await ada!.ask('Hello')
  const give = (userId: string, role: string) => ada!.call('POST', `/api/chats/${ids.chatId}/members`, { userId, role })
  for (const userId of ['bob', 'cid']) await give(userId, 'viewer')
  return { ...started, ...ids, give, ada: ada!, bob: bob!, cid: cid! }
}

/** The chat as the client library shows it, with each role that was on show. */
function follow(person: Person, chatId: string): { chat: LiveChat; roles: unknown[] } {
  const client = connect({ url: person.server.url, token: person.token })
  closeAfterwards(() => client.close())
  const chat = client.chat(chatId)
  const roles: unknown[] = []
  onTestFinished(
    chat.subscribe(() => {
      const { role, status } = chat.getSnapshot()
      // The line tells it: what came over HTTP before knows of no role.
      if (status === 'live' && role !== null && roles.at(-1) !== role) roles.push(role)
    }),
  )
  return { chat, roles }
}

test('a new role reaches every connection of that member and nobody else, without a new subscription', async () => {
  const { ada, bob, cid, give, chatId, messageId } = await startShared()
  const raw = bob.view()
  await raw.follow(chatId, messageId)
  const [adas, bobs, cids] = [ada, bob, cid].map((person) => follow(person, chatId)) as [
    ReturnType<typeof follow>,
    ReturnType<typeof follow>,
    ReturnType<typeof follow>,
  ]
  await until(() => [adas, bobs, cids].every(({ roles }) => roles.length === 1), 'the roles')
  await raw.until(() => raw.documents.get(messageId)!.checkpoints.length > 0, 'the message')
  const told = () => raw.control.flatMap((message) => (message.type === 'role' ? [[message.doc, message.role]] : []))
  await give('bob', 'editor')
  await until(() => bobs.roles.length === 2 && told().length === 2, 'the new role')
  // The same role again is no news.
  await give('bob', 'editor')
  await give('bob', 'viewer')
  await until(() => bobs.roles.length === 3 && told().length === 4, 'the old role')
  expect([adas.roles, bobs.roles, cids.roles]).toEqual([['owner'], ['viewer', 'editor', 'viewer'], ['viewer']])
  expect(told().slice(0, 2).toSorted()).toEqual([
    [chatId, 'editor'],
    [messageId, 'editor'],
  ])
  expect(raw.control.filter(({ type }) => type === 'subscribed')).toHaveLength(1)
  expect(bobs.chat.getSnapshot()).toBe(bobs.chat.getSnapshot())
})

test('an invite that raises a role tells it', async () => {
  const { ada, bob, chatId } = await startShared()
  const { roles } = follow(bob, chatId)
  await until(() => roles.length === 1, 'the role')
  const {
    body: { token },
  } = await ada.call('POST', `/api/chats/${chatId}/invites`, { role: 'editor' })
  expect((await bob.call('POST', '/api/invites/redeem', { token })).body).toEqual({ chatId, role: 'editor' })
  await until(() => roles.length === 2, 'the new role')
  expect(roles).toEqual(['viewer', 'editor'])
})

test('who subscribes while the role changes has the new one', async () => {
  const { bob, give, chatId } = await startShared()
  const gate = AccessGate.close()
  const { chat } = follow(bob, chatId)
  await gate.reached(1)
  gate.letOthersPass()
  await give('bob', 'editor')
  gate.open()
  await until(() => chat.getSnapshot().role === 'editor', 'the new role')
})
