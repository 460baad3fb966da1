/** Mounts, switches and reconnects, and what is left of them. */
import { createElement as h, StrictMode } from 'react'
import { expect } from 'vitest'
import { eventually, mount } from './page.ts'
import { startHandmade } from './handmade.ts'
import { startLine } from '../../testing/line.ts'
import { connect, type Client } from '../../client/index.ts'
import {
  RunnelProvider,
  useBlockText,
  useBranch,
  useChat,
  useChats,
  useConnection,
  useMessage,
  usePresence,
  useTasks,
} from '../../client/react/index.ts'
import { BlockMarkdown } from '../../client/react/markdown/index.ts'

function Text({ messageId, id }: { messageId: string; id: string }) {
  const { open } = useBlockText(messageId, id)
  return h('section', null, h('p', null, open.text), h(BlockMarkdown, { messageId, blockId: id }))
}
function Answer({ id }: { id: string }) {
  return useMessage(id).blocks.map((block) => h(Text, { key: block.id, messageId: id, id: block.id }))
}
function Chat({ id }: { id: string }) {
  const { chat } = useChat(id)
  const { others } = usePresence(id, { here: true })
  const { entries } = useBranch(id)
  const answers = entries.filter(({ message }) => message.role === 'assistant')
  return h(
    'main',
    { 'data-chat': chat?.id, 'data-others': others.length },
    answers.map(({ message }) => h(Answer, { key: message.id, id: message.id })),
  )
}
function Side() {
  const [{ chats }, { tasks }, { status }] = [useChats(), useTasks(), useConnection()]
  return h('aside', null, status, chats.length, tasks.length)
}

/** What is open and followed on the line, as its frames have it, and who listens to the client. */
class Counted {
  readonly sockets = new Set<WebSocket>()
  readonly documents = new Set<string>()
  listening = 0
  readonly client: Client

  constructor(url: string) {
    const { sockets, documents } = this
    class CountedSocket extends WebSocket {
      constructor(...args: ConstructorParameters<typeof WebSocket>) {
        super(...args)
        // Nothing is followed on a new line.
        documents.clear()
        sockets.add(this)
        this.addEventListener('close', () => sockets.delete(this))
      }
      override send(data: string | Uint8Array<ArrayBuffer>): void {
        if (typeof data === 'string') {
          const { type, docs } = JSON.parse(data) as { type: string; docs?: (string | { doc: string })[] }
          for (const doc of docs ?? []) {
            if (type === 'subscribe') documents.add((doc as { doc: string }).doc)
            else documents.delete(doc as string)
          }
        }
        super.send(data)
      }
    }
    const client = connect({ url, WebSocket: CountedSocket })
    this.client = {
      ...client,
      connection: { ...client.connection, subscribe: this.#count(client.connection.subscribe) },
      onChatEvent: this.#count(client.onChatEvent),
      message: (id) => this.#counted(client.message(id)),
      chat: (id) => {
        const chat = this.#counted(client.chat(id))
        return Object.assign(chat, { branch: { ...chat.branch, subscribe: this.#count(chat.branch.subscribe) } })
      },
    }
  }

  #counted<Live extends { subscribe: (listener: never) => () => void }>(live: Live): Live {
    return Object.assign(live, { subscribe: this.#count(live.subscribe) })
  }

  #count<Listener>(subscribe: (listener: Listener) => () => void): (listener: Listener) => () => void {
    return (listener) => {
      this.listening++
      const stop = subscribe(listener)
      return () => {
        this.listening--
        stop()
      }
    }
  }
}

export async function leavesNothing({
  mounts,
  switches,
  reconnects,
}: {
  mounts: number
  switches: number
  reconnects: number
}): Promise<void> {
  const server = await startHandmade()
  const proxy = await startLine(Number(new URL(server.url).port))
  const counted = new Counted(`http://127.0.0.1:${proxy.port}`)
  const { client } = counted
  const chats: string[] = []
  for (let i = 0; i < 4; i++) {
    const { id } = await client.api.createChat()
    chats.push(id)
    server.next([`Answer of ${i}.`])
    const { messageId } = await client.api.send(id, { content: 'Well?' })
    await client.message(messageId).until(({ message }) => message?.status === 'completed')
  }
  const stream = server.byHand()
  const live = await client.api.createChat()
  const { messageId } = await client.api.send(live.id, { content: 'And?' })
  chats.push(live.id)
  stream.say('It streams')

  const app = (...nodes: ReturnType<typeof h>[]) => h(StrictMode, null, h(RunnelProvider, { client }, ...nodes))
  const empty = () => eventually(() => expect([counted.listening, [...counted.documents]]).toEqual([0, []]))
  await empty()

  // The first one waits for what it shows, the others are often gone before it comes.
  for (let i = 0; i < mounts; i++) {
    const page = mount(app(h(Side), h(Chat, { id: chats[i % chats.length]! })))
    if (i % 10 === 0) await eventually(() => expect(page.element.textContent).toMatch(/Answer of|It streams/))
    else await new Promise((resolve) => setImmediate(resolve))
    stream.say('.')
    page.unmount()
  }
  await empty()

  const page = mount(app(h(Side), h(Chat, { id: chats[0]! })))
  for (let i = 0; i < switches; i++) {
    const id = chats[i % chats.length]!
    page.render(app(h(Side), h(Chat, { key: id, id })))
    stream.say('.')
    if (i % 10 === 9) await eventually(() => expect(page.element.querySelector('main')!.dataset['chat']).toBe(id))
    else await new Promise((resolve) => setImmediate(resolve))
  }
  page.render(app(h(Side), h(Chat, { id: live.id })))
  await eventually(() => expect(page.element.textContent).toContain('It streams'))
  const [listening, followed] = [counted.listening, [...counted.documents].sort()]
  expect(followed).toEqual([live.id, messageId].sort())

  for (let i = 0; i < reconnects; i++) {
    const [old] = counted.sockets
    proxy.cut()
    stream.say('.')
    await eventually(() => expect(counted.sockets.has(old!)).toBe(false))
    client.connection.retry()
    await eventually(() => expect([counted.listening, [...counted.documents].sort()]).toEqual([listening, followed]))
    await eventually(() => expect(client.connection.getSnapshot().status).toBe('open'))
  }
  expect(counted.sockets.size).toBe(1)
  stream.say(' to its end')
  stream.end()
  await eventually(() => expect(page.element.textContent).toContain('to its end'))
  page.unmount()
  await empty()
  await client.close()
  expect(counted.sockets.size).toBe(0)
  await proxy.close()
  await server.close()
}
