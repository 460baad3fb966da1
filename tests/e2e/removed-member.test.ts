/** On Postgres an answer takes its time: whoever is removed between the question for their right and the first thing shown is shown nothing, at every door. */
import { request } from 'node:http'
import { afterAll, beforeAll, expect, onTestFinished, test, vi } from 'vitest'
import { Access } from '../../server/auth/access.ts'
import { startPostgres, type Postgres } from '../helpers/postgres.ts'
import { startWithPeople, type Person } from '../http/people.ts'

let postgres: Postgres
beforeAll(async () => {
  postgres = await startPostgres()
}, 30_000)
afterAll(() => postgres.close())

/** Holds the n-th answer about the right of one user, which the store has given already; the others pass. */
function holdAnswer(userId: string, which: number): { held: Promise<void>; letGo: () => void; asked: () => number } {
  const arrived = Promise.withResolvers<void>()
  const open = Promise.withResolvers<void>()
  let asked = 0
  const real = Access.prototype.chat
  const spy = vi.spyOn(Access.prototype, 'chat').mockImplementation(async function (this: Access, identity, ...rest) {
    const number = identity.user.id === userId ? ++asked : 0
    const answer = await real.call(this, identity, ...rest)
    if (number === which) {
      arrived.resolve()
      await open.promise
    }
    return answer
  })
  onTestFinished(() => spy.mockRestore())
  return { held: arrived.promise, letGo: open.resolve, asked: () => asked }
}

interface Door {
  name: string
  /** How often the right is asked for before anything is shown. */
  questions: number
  /** Comes in; `over` resolves with what it was shown when nothing more will be. */
  enter: (viewer: Person, ids: { chatId: string; messageId: string }) => { over: Promise<string> }
}

/** A request whose answer is read to its end. */
function reads(viewer: Person, method: string, path: string, headers: Record<string, string> = {}, body = '') {
  const { promise, resolve, reject } = Promise.withResolvers<string>()
  const call = request(
    `${viewer.server.url}${path}`,
    { method, agent: false, headers: { authorization: `Bearer ${viewer.token}`, ...headers } },
    (response) => {
      let text = `${response.statusCode} `
      response.setEncoding('utf8').on('data', (part: string) => {
        text += part
      })
      response.on('close', () => resolve(text))
      response.on('error', () => {})
    },
  )
  call.on('error', reject)
  call.end(body)
  onTestFinished(() => void call.destroy())
  return { over: promise }
}

const doors: Door[] = [
  {
    name: '/ws',
    questions: 1,
    enter: (viewer, { messageId }) => {
      const socket = viewer.view()
      const over = async () => {
        const [message] = await socket.follow(messageId)
        await socket.until(() => message!.refused !== null, 'the refusal')
        return message!.text
      }
      return { over: over() }
    },
  },
  {
    name: '/yjs',
    questions: 1,
    enter: (viewer, { messageId }) => {
      const socket = viewer.open(messageId)
      const over = async () => {
        await socket.send(Uint8Array.of(0, 0, 1, 0))
        await socket.close()
        return socket.frames.join(' ')
      }
      return { over: over() }
    },
  },
  {
    name: 'events',
    questions: 2,
    enter: (viewer, { messageId }) => reads(viewer, 'GET', `/api/messages/${messageId}/events`),
  },
  {
    name: '/v1',
    questions: 2,
    enter: (viewer, { chatId }) =>
      reads(
        viewer,
        'POST',
        '/v1/chat/completions',
        { 'content-type': 'application/json', 'x-runnel-chat-id': chatId, 'x-runnel-detach': 'true' },
        JSON.stringify({ model: 'm', stream: true, messages: [{ role: 'user', content: 'Secret?' }] }),
      ),
  },
]

for (const { name, questions, enter } of doors) {
  for (let which = 1; which <= questions; which++) {
    test(`${name}: removed while answer ${which} of ${questions} about the right is on its way`, async () => {
      const { server, fake, person } = await startWithPeople({
        DATABASE_URL: await postgres.database(),
        LOG_LEVEL: 'silent',
      })
      const [owner, viewer] = [await person('owner'), await person('viewer')]
      // The second is of the run that the viewer begins at the door.
      const [stream, own] = [fake.manual(), fake.manual()]
      const ids = await owner.ask('What is secret?')
      await stream.request
      await owner.call('POST', `/api/chats/${ids.chatId}/members`, { userId: 'viewer', role: 'editor' })
      const gate = holdAnswer('viewer', which)
      const { over } = enter(viewer, ids)
      await gate.held
      expect((await owner.call('DELETE', `/api/chats/${ids.chatId}/members/viewer`)).status).toBe(204)
      gate.letGo()
      // Whoever holds a watch by now is asked again or has lost it; what is said later is not for them.
      const later = setInterval(() => {
        for (const each of [stream, own]) each.send('What is said later. ')
      }, 20)
      onTestFinished(() => clearInterval(later))
      expect(await over).not.toContain('said later')
      expect(gate.asked()).toBeGreaterThanOrEqual(which)
      expect(server.runnel.stats().eventStreams).toBe(0)
    })
  }
}
