/** Rendering on a server, and taking over what it has rendered. */
import { createElement as h } from 'react'
import { renderToString } from 'react-dom/server'
import { expect, test, vi } from 'vitest'
import { eventually, hydrate } from './page.ts'
import { useHandmade, type Handmade } from './handmade.ts'
import type { Client } from '../../client/index.ts'
import {
  RunnelProvider,
  useBranch,
  useChat,
  useChats,
  useConnection,
  useMessage,
  useTasks,
  type InitialState,
} from '../../client/react/index.ts'
import { BlockMarkdown } from '../../client/react/markdown/index.ts'
import { readInitialState } from '../../client/react/initial.ts'

let server: Handmade
let client: Client
useHandmade((...both) => {
  ;[server, client] = both
})

function Answer({ id }: { id: string }) {
  const { message, blocks } = useMessage(id)
  return h(
    'article',
    { 'data-status': message?.status },
    blocks.map((block) => h(BlockMarkdown, { key: block.id, messageId: id, blockId: block.id })),
  )
}

function Page({ id }: { id: string }) {
  const { status } = useConnection()
  const { chats, pending } = useChats()
  const { tasks } = useTasks()
  const { chat } = useChat(id)
  const { entries } = useBranch(id)
  return h(
    'main',
    { 'data-line': status, 'data-tasks': tasks.length },
    h(
      'ul',
      { 'data-pending': pending },
      chats.map(({ id, title }) => h('li', { key: id }, title)),
    ),
    h('h1', null, chat?.title),
    entries.map(({ message }) =>
      message.role === 'user'
        ? h('p', { key: message.id }, message.text)
        : h(Answer, { key: message.id, id: message.id }),
    ),
  )
}

const app = (id: string, initial: InitialState, url = server.url) =>
  h(RunnelProvider, { options: { url }, initial }, h(Page, { id }))

test('a server renders what a first state has, and opens nothing', async () => {
  const { id } = await client.api.createChat({ title: 'Tides' })
  server.next(['The **moon** pulls.'])
  const { messageId } = await client.api.send(id, { content: 'Why?' })
  await client.message(messageId).until(({ message }) => message?.status === 'completed')
  const initial = await readInitialState(client, { chats: true, chatId: id })
  expect(JSON.parse(JSON.stringify(initial))).toEqual(initial)
  // Nobody listens there: a connection would show as an error or a handle that stays open.
  const html = renderToString(app(id, initial, 'http://127.0.0.1:9'))
  expect(html).toContain('<h1>Tides</h1><p>Why?</p>')
  expect(html).toContain('<p>The <strong>moon</strong> pulls.</p>')
  expect(html).toContain('data-line="connecting"')
  expect(html).not.toContain('style=')
  expect(renderToString(app(id, {}, 'http://127.0.0.1:9'))).toContain('<ul data-pending="true"></ul><h1></h1>')
})

test('a browser takes over an answer that streams: nothing is drawn anew, nothing is said twice, no warning', async () => {
  const { id } = await client.api.createChat({ title: 'Ebb' })
  const answer = server.byHand()
  const { messageId } = await client.api.send(id, { content: 'And now?' })
  answer.say('# Waves\n\nThey *run* ahead')
  await client.message(messageId).until(({ message }) => JSON.stringify(message?.output)?.includes('ahead') === true)
  const initial = await readInitialState(client, { chats: true, chatId: id })
  const html = renderToString(app(id, initial))
  const problems: string[] = []
  const said = vi.spyOn(console, 'error').mockImplementation((...words) => void problems.push(words.join(' ')))
  answer.say(' of the *moo')
  const page = hydrate(html, app(id, JSON.parse(JSON.stringify(initial)) as InitialState), problems)
  const heading = page.element.querySelector('article h1')!
  const seen: string[] = []
  const observer = new window.MutationObserver(() =>
    seen.push(page.element.querySelector('article')?.textContent ?? ''),
  )
  observer.observe(page.element, { subtree: true, childList: true, characterData: true })
  await eventually(() =>
    expect(page.element.querySelector('article p')!.innerHTML).toBe('They <em>run</em> ahead of the <em>moo</em>'),
  )
  answer.say('n*.')
  answer.end()
  await eventually(() => expect(page.element.querySelector('article')!.dataset['status']).toBe('completed'))
  expect(page.element.querySelector('article p')!.innerHTML).toBe('They <em>run</em> ahead of the <em>moon</em>.')
  expect(page.element.querySelector('article h1')).toBe(heading)
  // It only ever grew.
  expect(seen.every((text, i) => i === 0 || text.startsWith(seen[i - 1]!))).toBe(true)
  expect(problems).toEqual([])
  await eventually(() => expect(page.element.querySelector('main')!.dataset['line']).toBe('open'))
  observer.disconnect()
  said.mockRestore()
})
