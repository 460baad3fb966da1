/** A token renders one block, whatever else is on show. */
import { createElement as h, memo, Profiler, useEffect, type ReactNode } from 'react'
import { expect, test } from 'vitest'
import { eventually, mount } from './page.ts'
import type { Client } from '../../client/index.ts'
import { RunnelProvider, useBlockText, useBranch, useChat, useLoadOlder, useMessage } from '../../client/react/index.ts'
import { useHandmade, type Handmade } from './handmade.ts'

let server: Handmade
let client: Client
useHandmade((...both) => {
  ;[server, client] = both
})

const counts = new Map<string, number>()
const count = (name: string) => counts.set(name, (counts.get(name) ?? 0) + 1)

const Block = memo(({ messageId, id }: { messageId: string; id: string }) => {
  count(`block ${messageId}`)
  const { finished, open } = useBlockText(messageId, id)
  return h(
    'p',
    null,
    finished.map(({ start, text }) => h('span', { key: start }, text)),
    h('span', null, open.text),
  )
})

const Answer = memo(({ id }: { id: string }) => {
  count(`message ${id}`)
  const { message, blocks } = useMessage(id)
  return h(
    'article',
    { 'data-status': message?.status },
    blocks.map((block) => h(Block, { key: block.id, messageId: id, id: block.id })),
  )
})

function Chat({ id }: { id: string }) {
  count('chat')
  const { role } = useChat(id)
  const { entries, hasOlder } = useBranch(id)
  const [loadOlder] = useLoadOlder(id)
  useEffect(() => {
    if (hasOlder) void loadOlder()
  }, [hasOlder, loadOlder])
  return h(
    'main',
    { 'data-role': role },
    entries.map(({ message }) =>
      message.role === 'user'
        ? h('p', { key: message.id }, message.text)
        : h(Answer, { key: message.id, id: message.id }),
    ),
  )
}

const below = (node: ReactNode) => h(RunnelProvider, { client }, node)

test('with 50 messages on screen a token renders the block that it belongs to, once, and nothing else', async () => {
  const { id } = await client.api.createChat()
  for (let i = 0; i < 24; i++) {
    server.next(['Answer ', String(i)])
    const { messageId } = await client.api.send(id, { content: `Question ${i}` })
    await client.message(messageId).until(({ message }) => message?.status === 'completed')
  }
  const answer = server.byHand()
  const { messageId } = await client.api.send(id, { content: 'The last one' })
  const commits: string[] = []
  const page = mount(below(h(Profiler, { id: 'chat', onRender: (_, phase) => commits.push(phase) }, h(Chat, { id }))))
  answer.say('One')
  await eventually(() => {
    expect(page.element.querySelectorAll('article')).toHaveLength(25)
    expect(page.element.querySelectorAll('article[data-status=completed]')).toHaveLength(24)
    expect(page.element.textContent).toContain('Answer 23')
    expect(page.element.textContent).toMatch(/One$/)
  })
  expect(page.element.querySelectorAll('main > *')).toHaveLength(50)
  counts.clear()
  commits.length = 0

  for (const word of [' two', ' three', ' four', ' five']) {
    const before = commits.length
    answer.say(word)
    await eventually(() => expect(page.element.textContent?.endsWith(word)).toBe(true))
    expect(commits.slice(before)).toEqual(['update'])
  }
  expect(Object.fromEntries(counts)).toEqual({ [`block ${messageId}`]: 4 })
  answer.end()
  await client.message(messageId).until(({ message }) => message?.status === 'completed')
})
