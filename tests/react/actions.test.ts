/** Actions of a person: pending, errors, double clicks, and a line that breaks while they are on their way. */
import { createElement as h, type ReactNode } from 'react'
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest'
import { eventually, mount, watch } from './page.ts'
import { startHandmade, type Handmade } from './handmade.ts'
import { start } from '../http/server.ts'
import { secret, tokenOf } from '../http/people.ts'
import { connect, type Client } from '../../client/index.ts'
import { Lab } from '../../client/lab/index.ts'
import {
  RunnelProvider,
  useBranch,
  useCall,
  useConnection,
  useContinue,
  useDeleteMessage,
  useEdit,
  useRead,
  useRegenerate,
  useSend,
  useStop,
} from '../../client/react/index.ts'

let server: Handmade
let client: Client
/** What the requests of `client` meet. */
let door: (send: () => Promise<Response>) => Promise<Response> = (send) => send()
const requests: string[] = []
beforeAll(async () => {
  server = await startHandmade()
  client = connect({
    url: server.url,
    fetch: (input, init) => {
      requests.push(`${init?.method} ${new URL(String(input)).pathname}`)
      return door(() => fetch(input, init))
    },
  })
})
afterAll(async () => {
  await client.close()
  await server.close()
})

const below = (...nodes: ReactNode[]) => h(RunnelProvider, { client }, ...nodes)
const asked = async (chatId: string) =>
  (await client.api.getMessages(chatId)).items.map(({ role, status }) => `${role} ${status}`)
const ended = (id: string) => client.message(id).until(({ message }) => message?.status === 'completed')

test('a double click sends once, and is pending until it is sent', async () => {
  const { id } = await client.api.createChat()
  const [send, branch] = [watch(() => useSend(id)), watch(() => useBranch(id))]
  mount(below(send.element, branch.element))
  await eventually(() => expect(client.chat(id).getSnapshot().status).toBe('live'))
  const [act] = send.now
  const both = [act('Hello'), act('Hello')]
  await eventually(() => expect(send.now[1].pending).toBe(true))
  const [first, second] = await Promise.all(both)
  expect(second).toEqual(first)
  // The second click of a slow hand.
  expect(await act('Hello')).toEqual(first)
  await eventually(() => expect(send.now[1]).toMatchObject({ pending: false, error: null }))
  await ended(first!.messageId)
  expect(await asked(id)).toEqual(['user completed', 'assistant completed'])
  expect(send.now[0]).toBe(act)
  await eventually(() =>
    expect(branch.now.entries.map(({ message }) => message.id)).toEqual([first!.userMessageId, first!.messageId]),
  )
})

test('what is sent while a message is hidden does not answer it, so that it is not deleted with it', async () => {
  const { id } = await client.api.createChat()
  const [send, branch] = [watch(() => useSend(id)), watch(() => useBranch(id))]
  mount(below(send.element, branch.element))
  await eventually(() => expect(send.renders.length).toBeGreaterThan(0))
  const first = await send.now[0]('One')
  await ended(first!.messageId)
  const second = await send.now[0]('Two')
  await ended(second!.messageId)
  await eventually(() => expect(branch.now.entries).toHaveLength(4))
  const show = branch.now.hide(second!.userMessageId)
  await eventually(() => expect(branch.now.entries).toHaveLength(2))
  await send.now[0]('Three')
  const parentOf = async (text: string) =>
    (await client.api.getMessages(id)).items.find(({ output: [said] }) => said?.type === 'text' && said.text === text)
      ?.parentId
  expect(await parentOf('Three')).toBe(first!.messageId)
  show()
  branch.now.hide(first!.userMessageId)
  await eventually(() => expect(branch.now.entries).toHaveLength(0))
  await send.now[0]('Four')
  expect(await parentOf('Four')).toBeNull()
})

test('what got through before the line broke is not said twice', async () => {
  const { id } = await client.api.createChat()
  const send = watch(() => useSend(id))
  mount(below(send.element))
  await eventually(() => expect(send.renders.length).toBeGreaterThan(0))
  door = async (request) => {
    await request()
    throw new TypeError('The line broke.')
  }
  expect(await send.now[0]('Once')).toBeNull()
  await eventually(() => expect(send.now[1]).toMatchObject({ pending: false, error: { code: 'internal' } }))
  door = (request) => request()
  const sent = await send.now[0]('Once')
  await eventually(() => expect(send.now[1].error).toBeNull())
  await ended(sent!.messageId)
  expect(await asked(id)).toEqual(['user completed', 'assistant completed'])
})

test('a refusal says why; it goes with the next try, or by itself for another message', async () => {
  const { id } = await client.api.createChat()
  const answer = server.byHand()
  const { messageId } = await client.api.send(id, { content: 'Wait' })
  const send = watch(() => useSend(id))
  let edited = messageId
  const edit = watch(() => useEdit(edited))
  const page = mount(below(send.element, edit.element))
  await eventually(() => expect(edit.renders.length).toBeGreaterThan(0))
  await send.now[0]('Now')
  await eventually(() => expect(send.now[1].error).toMatchObject({ code: 'busy' }))
  send.now[1].reset()
  await eventually(() => expect(send.now[1].error).toBeNull())
  await edit.now[0]('An answer cannot be edited')
  await eventually(() => expect(edit.now[1].error).toMatchObject({ code: 'method_not_allowed' }))
  edited = 'msg_another1'
  page.render(
    below(
      h(() => null),
      watch(() => useEdit(edited)).element,
    ),
  )
  answer.end()
  await ended(messageId)
})

test('stop, continue, regenerate, edit and delete do what they say, and show it', async () => {
  const { id } = await client.api.createChat()
  const answer = server.byHand()
  const { messageId, userMessageId } = await client.api.send(id, { content: 'Go on and on' })
  answer.say('And so')
  const hooks = watch(() => ({
    branch: useBranch(id),
    stop: useStop(messageId),
    goOn: useContinue(messageId),
    again: useRegenerate(messageId),
    edit: useEdit(userMessageId),
  }))
  mount(below(hooks.element))
  await client
    .message(messageId)
    .until(({ message }) => message?.output.some((block) => 'text' in block && block.text !== '') === true)
  await Promise.all([hooks.now.stop[0](), hooks.now.stop[0]()])
  await eventually(async () => expect((await client.api.getMessage(messageId)).status).toBe('stopped'))

  server.next([' on.'])
  await hooks.now.goOn[0]()
  await eventually(() => expect(hooks.now.goOn[1]).toMatchObject({ pending: false, error: null }))
  await ended(messageId)

  server.next(['Another.'])
  const [another, same] = await Promise.all([hooks.now.again[0](), hooks.now.again[0]()])
  expect(same).toEqual(another)
  await eventually(() =>
    expect(hooks.now.branch.entries.at(-1)).toMatchObject({ message: { id: another!.messageId }, index: 1 }),
  )
  await ended(another!.messageId)

  server.next(['To that.'])
  const edited = await hooks.now.edit[0]('Something else')
  await eventually(() =>
    expect(hooks.now.branch.entries.map(({ message }) => message.id)).toEqual([
      edited!.userMessageId,
      edited!.messageId,
    ]),
  )
  await ended(edited!.messageId)

  const remove = watch(() => useDeleteMessage(edited!.userMessageId))
  mount(below(remove.element))
  await eventually(() => expect(remove.renders.length).toBeGreaterThan(0))
  expect(await remove.now[0]()).toBe(true)
  await eventually(() => expect(hooks.now.branch.entries[0]!.message.id).toBe(userMessageId))
})

test('the first message makes its chat, once', async () => {
  const send = watch(() => useSend(null))
  mount(below(send.element))
  await eventually(() => expect(send.renders.length).toBeGreaterThan(0))
  requests.length = 0
  const [first, second] = await Promise.all([send.now[0]('A new one'), send.now[0]('A new one')])
  expect(second).toEqual(first)
  expect(requests).toEqual(['POST /api/chats', `POST /api/chats/${first!.chatId}/messages`])
  await ended(first!.messageId)
})

test('any other call has pending and error, and what is read goes with its name', async () => {
  const { id } = await client.api.createChat({ title: 'Before' })
  const rename = watch(() => useCall(`rename ${id}`, (api, title: string) => api.renameChat(id, title)))
  let name = id
  const chat = watch(() => useRead(name, (api, signal) => api.getChat(name, { signal })))
  const page = mount(below(rename.element, chat.element))
  await eventually(() => expect(chat.now).toMatchObject({ data: { title: 'Before' }, pending: false }))
  expect(await rename.now[0]('After')).toMatchObject({ title: 'After' })
  chat.now.reload()
  await eventually(() => expect(chat.now).toMatchObject({ data: { title: 'After' }, pending: false }))
  await rename.now[0]('x'.repeat(100_000))
  await eventually(() => expect(rename.now[1].error).toMatchObject({ code: 'bad_request' }))
  name = 'chat_notthere1'
  page.render(below(rename.element, h(chat.element.type)))
  await eventually(() =>
    expect(chat.now).toMatchObject({ data: undefined, pending: false, error: { code: 'not_found' } }),
  )
})

test('what could not be read while the server was away, or nobody was signed in, is read when the line is back', async () => {
  const server = await start({ RUNNEL_AUTH_SECRET: secret })
  let token = 'nobody'
  let isAway = false
  const lab = new Lab()
  const own = connect({
    url: server.url,
    token: () => token,
    WebSocket: lab.WebSocket,
    fetch: (input, init) => (isAway ? Promise.reject(new TypeError('away')) : fetch(input, init)),
  })
  onTestFinished(() => own.close())
  let name = 'models'
  const models = watch(() => useRead(name, (api, signal) => api.listModels({}, { signal })))
  const line = watch(() => useConnection())
  const page = mount(h(RunnelProvider, { client: own }, models.element, line.element))
  await eventually(() => expect(models.now.error).toMatchObject({ code: 'unauthenticated' }))
  await eventually(() => expect(line.now).toMatchObject({ status: 'closed', code: 4401 }))
  token = await tokenOf('ada')
  own.connection.retry()
  await eventually(() => expect(models.now).toMatchObject({ data: { nextCursor: null }, error: null }))
  isAway = true
  name = 'again'
  page.render(h(RunnelProvider, { client: own }, h(models.element.type), h(line.element.type)))
  await eventually(() => expect(models.now.error).toMatchObject({ code: 'internal' }))
  isAway = false
  lab.cut()
  await eventually(() => expect(models.now).toMatchObject({ data: { nextCursor: null }, error: null }))
  page.unmount()
})

test('an action goes on with what it was made for, also when another thing is on show by then', async () => {
  const [first, second] = [await client.api.createChat(), await client.api.createChat()]
  let shown = first.id
  const hooks = watch(() => ({
    send: useSend(shown),
    rename: useCall(`rename ${shown}`, (api, title: string) => api.renameChat(shown, title)),
  }))
  const page = mount(below(hooks.element))
  await eventually(() => expect(hooks.renders.length).toBeGreaterThan(0))
  // As behind an upload that takes its time.
  const { send, rename } = hooks.now
  const arrived = Promise.withResolvers<void>()
  const released = Promise.withResolvers<void>()
  door = async (request) => {
    arrived.resolve()
    await released.promise
    return await request()
  }
  const renaming = rename[0]('The same title')
  await arrived.promise
  const before = hooks.renders.length
  shown = second.id
  page.render(below(h(hooks.element.type)))
  await eventually(() => expect(hooks.renders.length).toBeGreaterThan(before))
  expect(hooks.now.rename[1]).toMatchObject({ pending: false, error: null })
  const other = hooks.now.rename[0]('The same title')
  door = (request) => request()
  released.resolve()
  expect(await renaming).toMatchObject({ id: first.id, title: 'The same title' })
  expect(await other).toMatchObject({ id: second.id, title: 'The same title' })
  const sent = await send[0]('For the first one')
  expect(sent!.chatId).toBe(first.id)
  await ended(sent!.messageId)
  expect(await asked(second.id)).toEqual([])
})
