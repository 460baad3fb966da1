/** Hooks in all the ways in which React calls them, against a real server. */
import { Activity, createElement as h, startTransition, StrictMode, type ReactNode } from 'react'
import { expect, test } from 'vitest'
import { eventually, mount, watch } from './page.ts'
import { startHandmade, useHandmade, type Handmade } from './handmade.ts'
import { connect, type Client } from '../../client/index.ts'
import {
  RunnelProvider,
  useBlock,
  useBlockText,
  useBranch,
  useChat,
  useChats,
  useConnection,
  useMessage,
  usePresence,
  useQuestion,
  useTasks,
} from '../../client/react/index.ts'

let server: Handmade
let client: Client
useHandmade((...both) => {
  ;[server, client] = both
})

const below = (...nodes: ReactNode[]) => h(RunnelProvider, { client }, ...nodes)

/** The text of an answer through pieces, as a component shows it. */
function Answer({ id }: { id: string }) {
  const { status, message, blocks } = useMessage(id)
  return h(
    'article',
    { 'data-copy': status, 'data-status': message?.status },
    blocks.map((block) => h(Text, { key: block.id, messageId: id, id: block.id })),
  )
}
function Text({ messageId, id }: { messageId: string; id: string }) {
  const { finished, open } = useBlockText(messageId, id)
  const block = useBlock(messageId, id)
  return h('p', { 'data-block': block?.status }, finished.map(({ text }) => text).join(''), open.text)
}

async function ask(words?: readonly string[]) {
  const { id } = await client.api.createChat()
  const answer = words ? null : server.byHand()
  if (words) server.next(words)
  const sent = await client.api.send(id, { content: 'Well?' })
  return { ...sent, answer: answer! }
}

test('under StrictMode an answer streams, and ends with its status', async () => {
  const { messageId, answer } = await ask()
  const page = mount(h(StrictMode, null, below(h(Answer, { id: messageId }))))
  for (const word of ['One', ' two', ' three']) {
    answer.say(word)
    await eventually(() => expect(page.element.textContent?.endsWith(word)).toBe(true))
  }
  expect(page.element.querySelector('p')!.dataset['block']).toBe('in_progress')
  answer.end()
  await eventually(() => expect(page.element.querySelector('article')!.dataset['status']).toBe('completed'))
  expect(page.element.querySelector('p')!.dataset['block']).toBe('completed')
  expect(page.element.textContent).toBe('One two three')
})

test('what is taken away and shown again, in the middle of an answer, shows all of it', async () => {
  const { messageId, answer } = await ask()
  const page = mount(below(h(Answer, { id: messageId })))
  let text = ''
  for (let i = 0; i < 12; i++) {
    page.render(below(i % 3 === 2 ? null : h(Answer, { key: i, id: messageId })))
    const word = ` word ${i}`
    text += word
    answer.say(word)
    if (i % 3 !== 2) await eventually(() => expect(page.element.textContent).toBe(text))
  }
  answer.end()
  page.unmount()
})

test('switching between two answers that stream, by transitions too, never shows one in the other', async () => {
  const [a, b] = [await ask(), await ask()]
  const page = mount(below(h(Answer, { id: a.messageId })))
  a.answer.say('a')
  b.answer.say('b')
  await eventually(() => expect(page.element.textContent).toBe('a'))
  const seen = new Set<string>()
  const observer = new window.MutationObserver(() => seen.add(page.element.textContent ?? ''))
  observer.observe(page.element, { subtree: true, childList: true, characterData: true })
  for (let i = 0; i < 20; i++) {
    const { messageId } = i % 2 === 0 ? b : a
    if (i % 4 < 2) startTransition(() => page.render(below(h(Answer, { id: messageId }))))
    else page.render(below(h(Answer, { id: messageId })))
    a.answer.say('a')
    b.answer.say('b')
    await eventually(() => expect(page.element.textContent).toBe((i % 2 === 0 ? 'b' : 'a').repeat(i + 2)))
  }
  observer.disconnect()
  expect([...seen].filter((text) => /ab|ba/.test(text))).toEqual([])
  a.answer.end()
  b.answer.end()
})

test('a chat and its branch are live, and who types there renders neither', async () => {
  const { chatId, messageId, userMessageId } = await ask(['Yes.'])
  await client.message(messageId).until(({ message }) => message?.status === 'completed')
  const [chat, branch] = [watch(() => useChat(chatId)), watch(() => useBranch(chatId))]
  const presence = watch(() => usePresence(chatId, { typing: true }))
  mount(below(chat.element, branch.element, presence.element))
  await eventually(() => expect(chat.now).toMatchObject({ status: 'live', role: 'owner', chat: { id: chatId } }))
  expect(branch.now.entries.map(({ message }) => message.id)).toEqual([userMessageId, messageId])
  expect(presence.now).toEqual({ others: [], viewers: null })

  const renders = [chat.renders.length, branch.renders.length]
  const other = connect({ url: server.url })
  const theirs = other.chat(chatId)
  const stop = theirs.subscribe(() => {})
  theirs.setPresence({ typing: false })
  await eventually(() => expect(presence.now.others).toMatchObject([{ typing: false }]))
  await eventually(() => expect(theirs.getSnapshot().presence).toMatchObject([{ typing: true }]))
  expect([chat.renders.length, branch.renders.length]).toEqual(renders)

  server.next(['Another.'])
  const again = await other.api.regenerate(messageId)
  await eventually(() =>
    expect(branch.now.entries.map(({ message }) => message.id)).toEqual([userMessageId, again.messageId]),
  )
  branch.now.choose(messageId)
  await eventually(() => expect(branch.now.entries[1]).toMatchObject({ message: { id: messageId }, index: 0 }))
  stop()
  await other.close()
})

test('who says something else does not go and come again; of two components the last one counts', async () => {
  const { id } = await client.api.createChat()
  const said: (object | null)[] = []
  const told = (chatId: string) =>
    Object.assign(client.chat(chatId), { setPresence: (state: object | null) => said.push(state) })
  const Says = ({ state }: { state: object | null }) => h('i', null, usePresence(id, state).others.length)
  const provided = { ...client, chat: told }
  const page = mount(null)
  const show = (...states: (object | null)[]) =>
    page.render(h(RunnelProvider, { client: provided }, ...states.map((state, key) => h(Says, { key, state }))))
  const steps: [(object | null)[], (object | null)[]][] = [
    [[{ here: 1 }], [{ here: 1 }]],
    [[{ here: 1 }, { typing: 1 }], [{ typing: 1 }]],
    [[{ here: 1 }, { typing: 2 }], [{ typing: 2 }]],
    [[{ here: 1 }], [{ here: 1 }]],
    [[null], [null]],
  ]
  for (const [states, wanted] of steps) {
    show(...states)
    await eventually(() => expect(said).toEqual(wanted))
    said.length = 0
  }
})

test('a question that the chat lists shortened is read whole', async () => {
  const { id } = await client.api.createChat()
  const content = 'Why? '.repeat(200)
  server.next(['Because.'])
  const { userMessageId } = await client.api.send(id, { content })
  const entry = await client.chat(id).until(({ messages }) => messages.some((message) => message.id === userMessageId))
  const question = watch(() => useQuestion(entry.messages[0]!))
  mount(below(question.element))
  expect(entry.messages[0]!.shortened).toBe(true)
  await eventually(() => expect(question.now).toMatchObject({ text: content, pending: false, error: null }))
})

test('the list of chats is paged, searched, and live', async () => {
  const user = await startHandmade()
  const own = connect({ url: user.url })
  const made: string[] = []
  for (const title of ['Mars', 'Venus', 'Saturn', 'Neptune', 'Pluto'])
    made.unshift((await own.api.createChat({ title: `Tides of ${title}` })).id)
  const list = watch(() => useChats({ limit: 2 }))
  const found = watch(() => useChats({ query: 'tides neptune' }))
  const page = mount(h(RunnelProvider, { client: own }, list.element, found.element))
  const ids = () => list.now.chats.map(({ id }) => id)
  await eventually(() => expect(ids()).toEqual(made.slice(0, 2)))
  expect(list.now).toMatchObject({ hasMore: true, error: null })
  list.now.loadMore()
  await eventually(() => expect(ids()).toEqual(made.slice(0, 4)))
  await eventually(() => expect(found.now.chats.map(({ title }) => title)).toEqual(['Tides of Neptune']))
  expect(found.now.chats[0]!.match).toMatchObject({ messageId: null })

  // An answer in the last of them, which is not on show yet, brings it to the top.
  user.next(['Hi.'])
  await own.api.send(made[4]!, { content: 'Hello' })
  // A fifth may stay behind it: it depends on which was there first, the line or the answer.
  await eventually(() => expect(ids().slice(0, 4)).toEqual([made[4], ...made.slice(0, 3)]))
  await own.api.renameChat(made[1]!, 'Ebb')
  await eventually(() => expect(list.now.chats.find(({ id }) => id === made[1])!.title).toBe('Ebb'))
  await own.api.changeChat(made[2]!, { pinned: true })
  await eventually(() => expect(list.now.chats.find(({ id }) => id === made[2])).toMatchObject({ pinned: true }))
  await own.api.deleteChat(made[0]!)
  await eventually(() => expect(ids()).not.toContain(made[0]))
  const renders = list.renders.length
  await own.api.markRead(made[4]!)
  // Behind the one that is pinned.
  await eventually(() => expect(list.now.chats[1]).toMatchObject({ id: made[4], unread: false }))
  expect(ids()[0]).toBe(made[2])
  expect(list.renders.length).toBeGreaterThan(renders)
  page.unmount()
  await own.close()
  await user.close()
})

test('this user’s runs are live', async () => {
  const tasks = watch(() => useTasks())
  mount(below(tasks.element))
  const { taskId, answer } = await ask()
  answer.say('Working')
  await eventually(() => expect(tasks.now.tasks.find((task) => task.taskId === taskId)?.status).toBe('streaming'))
  answer.end()
  await eventually(() => expect(tasks.now.tasks.some((task) => task.taskId === taskId)).toBe(false))
})

test('a provider with options of its own connects when something is followed, and closes with its page', async () => {
  const connection = watch(() => useConnection())
  const { messageId } = await ask(['Of its own.'])
  const open: WebSocket[] = []
  class Counted extends WebSocket {
    constructor(...args: ConstructorParameters<typeof WebSocket>) {
      super(...args)
      open.push(this)
    }
  }
  const options = { url: server.url, WebSocket: Counted }
  const page = mount(
    h(StrictMode, null, h(RunnelProvider, { options }, connection.element, h(Answer, { id: messageId }))),
  )
  await eventually(() => expect(page.element.textContent).toBe('Of its own.'))
  await eventually(() => expect(connection.now).toMatchObject({ status: 'open', transport: 'websocket' }))
  page.unmount()
  await eventually(() => expect(open.map(({ readyState }) => readyState)).toEqual([WebSocket.CLOSED]))
})

test('what is hidden for a while follows nothing, and goes on where it is shown again', async () => {
  const { messageId, answer } = await ask()
  const options = { url: server.url }
  const app = (mode: 'visible' | 'hidden') =>
    h(Activity, { mode, children: h(RunnelProvider, { options }, h(Answer, { id: messageId })) })
  const page = mount(app('visible'))
  answer.say('Before')
  await eventually(() => expect(page.element.textContent).toBe('Before'))
  page.render(app('hidden'))
  await eventually(() => expect(page.element.querySelector('article')!.style.display).toBe('none'))
  answer.say(', meanwhile')
  await client.message(messageId).until(({ message }) => JSON.stringify(message).includes('meanwhile'))
  page.render(app('visible'))
  answer.say(' and after')
  await eventually(() => expect(page.element.textContent).toBe('Before, meanwhile and after'))
  answer.end()
  page.unmount()
})

test('a message that is gone says so', async () => {
  const message = watch(() => useMessage('msg_doesnotexist'))
  mount(below(message.element))
  await eventually(() => expect(message.now).toMatchObject({ status: 'refused', message: null, blocks: [] }))
})
