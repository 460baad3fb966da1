/** What is followed on the line, and what is read once, on a real server. */
import { expect, onTestFinished, test } from 'vitest'
import { connect, type Client, type LiveMessage, type MessageSnapshot } from '../../client/index.ts'
import {
  decodeChannelMessages,
  encodeChannelMessage,
  type ClientControl,
  type Subscribed,
} from '../../shared/protocol.ts'
import { startLine } from '../../testing/line.ts'
import { scriptedProvider } from '../http/scripted-provider.ts'
import { start } from '../http/server.ts'
import { answerId, answerText, longChat, longChatId, questionId } from './long-chat.ts'

/** The machine may be busy. */
const soon = <T>(value: () => T) => expect.poll(value, { timeout: 12_000, interval: 10 })

/** A client that notes what it asks for. */
function watched(url: string, door: (path: string) => void = () => {}) {
  const asked: string[] = []
  const followed = new Set<string>()
  const everFollowed = new Set<string>()
  class Noting extends WebSocket {
    override send(data: string | ArrayBufferLike | Blob | ArrayBufferView): void {
      super.send(data as string)
      if (typeof data !== 'string') return
      const message = JSON.parse(data) as ClientControl
      if (message.type === 'subscribe')
        for (const { doc } of message.docs) {
          followed.add(doc)
          everFollowed.add(doc)
        }
      if (message.type === 'unsubscribe') for (const doc of message.docs) followed.delete(doc)
    }
  }
  const client = connect({
    url,
    WebSocket: Noting,
    fetch: async (input, init) => {
      const { pathname, search } = new URL(input as string)
      asked.push(`${init!.method} ${pathname}${search}`)
      door(pathname + search)
      return await fetch(input, init)
    },
  })
  onTestFinished(() => client.close())
  return { client, asked, followed, everFollowed }
}

/** Shows the branch of a chat as a page does: each message that comes into it is listened to. */
function show(client: Client, chatId: string) {
  const chat = client.chat(chatId)
  const views = new Map<string, { live: LiveMessage; snapshots: MessageSnapshot[]; stop: () => void }>()
  const look = () => {
    const ids = new Set(chat.branch.getSnapshot().map(({ message }) => message.id))
    for (const [id, { stop }] of views) {
      if (ids.has(id)) continue
      stop()
      views.delete(id)
    }
    for (const id of ids) {
      if (views.has(id)) continue
      const live = client.message(id)
      const snapshots = [live.getSnapshot()]
      views.set(id, { live, snapshots, stop: live.subscribe(() => snapshots.push(live.getSnapshot())) })
    }
  }
  const stop = chat.branch.subscribe(look)
  look()
  return {
    chat,
    views,
    text: (id: string) => textOf(client.message(id).getSnapshot()),
    isWhole: () => views.size > 0 && [...views.values()].every(({ live }) => live.getSnapshot().message !== null),
    close: () => {
      stop()
      for (const view of views.values()) view.stop()
    },
  }
}

const textOf = ({ message }: MessageSnapshot) =>
  message?.output.map((block) => ('text' in block ? block.text : '')).join('')

test('a chat of 1,000 answers opens at its end in one page of at most 500 kB; older ones come on demand', async () => {
  const server = await start({ store: await longChat(1_000) })
  const proxy = await startLine(Number(new URL(server.url).port))
  onTestFinished(() => proxy.close())
  const { client, asked, followed } = watched(`http://127.0.0.1:${proxy.port}`)
  const page = show(client, longChatId)
  await soon(() => page.isWhole()).toBe(true)
  await soon(() => [...followed]).toEqual([longChatId])
  await soon(() => page.chat.getSnapshot().role).toBe('owner')
  expect(page.text(answerId(999))).toBe(answerText(999, 2_000))
  expect(page.chat.branch.getSnapshot().map(({ message }) => message.id)).toEqual(
    Array.from({ length: 20 }, (_, i) => [questionId(980 + i), answerId(980 + i)]).flat(),
  )
  expect(asked).toEqual([
    `GET /api/chats/${longChatId}/state`,
    `GET /api/chats/${longChatId}/messages?leaf=${answerId(999)}&limit=40`,
  ])
  expect(proxy.bytes.out).toBeLessThan(500_000)

  const before = proxy.bytes.out
  expect([page.chat.branch.hasOlder, page.chat.branch.older]).toEqual([true, 1_960])
  const loads = [page.chat.branch.loadOlder(), page.chat.branch.loadOlder()]
  await Promise.all(loads)
  expect(page.views.size).toBe(80)
  expect(page.chat.branch.older).toBe(1_920)
  // They were there before they were shown.
  expect(page.views.get(answerId(979))!.snapshots[0]!.message).not.toBeNull()
  expect(page.text(answerId(960))).toBe(answerText(960, 2_000))
  expect(asked.slice(2)).toEqual([`GET /api/chats/${longChatId}/messages?leaf=${answerId(979)}&limit=40`])
  expect(proxy.bytes.out - before).toBeLessThan(100_000)
  // Who looks away and back has all at once, and asks for nothing.
  page.close()
  const again = show(client, longChatId)
  expect([...followed]).toEqual([longChatId])
  expect(again.isWhole()).toBe(true)
  expect(again.views.size).toBe(80)
  expect(asked).toHaveLength(3)
}, 60_000)

test('a chat of 5,000 answers opens at its end, and a message far up is shown when it is chosen', async () => {
  const server = await start({ store: await longChat(5_000) })
  const { client, followed } = watched(server.url)
  const page = show(client, longChatId)
  await soon(() => page.isWhole()).toBe(true)
  await soon(() => page.chat.getSnapshot().role).toBe('owner')
  expect(page.views.size).toBe(40)
  expect(page.text(answerId(4_999))).toBe(answerText(4_999, 2_000))
  page.chat.branch.choose(answerId(4_900))
  await soon(() => page.isWhole()).toBe(true)
  expect(page.text(answerId(4_900))).toBe(answerText(4_900, 2_000))
  expect([...followed]).toEqual([longChatId])
}, 60_000)

test('a message is live while it is written, taken over when it has ended, and live again when it is continued', async () => {
  const script = scriptedProvider()
  const server = await start({ provider: script.provider })
  const { client, asked, followed } = watched(server.url)
  const { id: chatId } = await client.api.createChat()
  const page = show(client, chatId)
  await soon(() => page.chat.getSnapshot().role).toBe('owner')
  const { messageId, userMessageId } = await client.api.send(chatId, { content: 'Why?' })
  script.startText()
  script.text('The moon')
  await soon(() => page.text(messageId)).toBe('The moon')
  // A question never changes: it is read.
  expect([...followed].toSorted()).toEqual([chatId, messageId].toSorted())
  await soon(() => page.text(userMessageId)).toBe('Why?')
  const { snapshots, live } = page.views.get(messageId)!
  await client.api.stop(messageId)
  await soon(() => live.getSnapshot().message?.status).toBe('stopped')
  await soon(() => [...followed]).toEqual([chatId])
  expect(live.getSnapshot()).toBe(snapshots.at(-1))
  expect(snapshots.at(-1)!.message).toMatchObject({ status: 'stopped', output: [{ text: 'The moon' }] })

  await client.api.continue(messageId)
  script.startText()
  script.text(' and the sun')
  await soon(() => page.text(messageId)).toMatch(/sun$/)
  expect([...followed].toSorted()).toEqual([chatId, messageId].toSorted())
  script.finish()
  await soon(() => live.getSnapshot().message?.status).toBe('completed')
  await soon(() => [...followed]).toEqual([chatId])
  const whole = (await server.call('GET', `/api/messages/${messageId}`)).body
  expect(live.getSnapshot().message).toEqual(whole)
  // From the first word to the last nothing was ever gone, and nothing of it was downloaded a second time.
  const texts = snapshots.slice(1).map(textOf)
  expect(texts.filter((text) => text === undefined).length).toBeLessThanOrEqual(1)
  expect(texts.every((text, i) => text === undefined || text.startsWith(texts[i - 1] ?? ''))).toBe(true)
  expect(asked.filter((call) => call.includes(messageId) && call.startsWith('GET'))).toEqual([])
  const stop = client.message(messageId).subscribe(() => {})
  expect(client.message(messageId).getSnapshot()).toBe(live.getSnapshot())
  stop()
})

test('what was continued and ended while nobody looked is read anew', async () => {
  const script = scriptedProvider()
  const server = await start({ provider: script.provider })
  const { chatId, messageId } = await server.ask('Why?')
  script.startText()
  script.text('The moon')
  await soon(async () => (await server.call('GET', `/api/messages/${messageId}`)).body.output?.length).toBe(1)
  await server.call('POST', `/api/messages/${messageId}/stop`)
  const { client, everFollowed } = watched(server.url)
  const page = show(client, chatId)
  await soon(() => page.text(messageId)).toBe('The moon')
  page.close()
  await server.call('POST', `/api/messages/${messageId}/continue`)
  script.startText()
  script.text(' and the sun')
  script.finish()
  await soon(async () => (await server.call('GET', `/api/messages/${messageId}`)).body.status).toBe('completed')
  const again = show(client, chatId)
  await soon(() => again.text(messageId)).toMatch(/sun$/)
  expect([...everFollowed]).toEqual([chatId])
})

/** A line on which what comes of a document may be held back for a while. */
function holdableLine() {
  const channels = new Map<number, string>()
  const held = new Map<string, unknown[]>()
  let deliver: (data: unknown) => void
  class Holdable extends WebSocket {
    constructor(url: string | URL, protocols?: string | string[]) {
      super(url, protocols)
      deliver = (data) => this.dispatchEvent(new MessageEvent('message', { data }))
      this.addEventListener('message', (event) => {
        const pieces = piecesOf(event)
        if (pieces.every(({ doc }) => !held.has(doc))) return
        event.stopImmediatePropagation()
        for (const { doc, data } of pieces) {
          if (held.has(doc)) held.get(doc)!.push(data)
          else queueMicrotask(() => deliver(data))
        }
      })
    }
  }
  function piecesOf({ data }: MessageEvent): { doc: string; data: string | ArrayBuffer }[] {
    if (typeof data !== 'string')
      return Array.from(decodeChannelMessages(new Uint8Array(data)), ({ channel, message }) => ({
        doc: channels.get(channel) ?? '',
        data: new Uint8Array(encodeChannelMessage(channel, message)).buffer,
      }))
    const message = JSON.parse(data) as { channel?: number; docs?: Subscribed[] }
    for (const { doc, channel } of message.docs ?? []) channels.set(channel, doc)
    return [{ doc: channels.get(message.channel!) ?? '', data }]
  }
  return {
    WebSocket: Holdable,
    hold: (doc: string) => held.set(doc, []),
    release: (doc: string) => {
      const late = held.get(doc)!
      held.delete(doc)
      for (const data of late) deliver(data)
    },
  }
}

test('the end of an earlier run is not taken for that of a later one, however late each document comes', async () => {
  const script = scriptedProvider()
  const server = await start({ provider: script.provider })
  const { chatId, messageId } = await server.ask('Why?')
  script.startText()
  script.text('The moon')
  const line = holdableLine()
  const client = connect({ url: server.url, WebSocket: line.WebSocket })
  onTestFinished(() => client.close())
  const live = client.message(messageId)
  onTestFinished(live.subscribe(() => {}))
  await live.until(({ message }) => message?.output.length === 1)
  await server.call('POST', `/api/messages/${messageId}/stop`)
  await live.until(({ message }) => message?.status === 'stopped')
  line.hold(messageId)
  await server.call('POST', `/api/messages/${messageId}/continue`)
  script.startText()
  script.text(' and the sun')
  const read = async () => (await server.call('GET', `/api/messages/${messageId}`)).body
  await soon(async () => JSON.stringify(await read())).toContain('sun')
  await server.call('POST', `/api/messages/${messageId}/stop`)
  const json = await read()
  const page = show(client, chatId)
  const entry = () => page.chat.getSnapshot().messages.find(({ id }) => id === messageId)
  await soon(entry).toMatchObject({ status: 'stopped', taskId: json.taskId })
  expect(page.text(messageId)).toBe('The moon')
  line.release(messageId)
  await soon(() => live.getSnapshot().message).toEqual(json)
})

test('a message that is deleted is gone, also one that was only read', async () => {
  const server = await start({ store: await longChat(3) })
  const { client } = watched(server.url)
  const stop = client.chat(longChatId).subscribe(() => {})
  onTestFinished(stop)
  await client.chat(longChatId).until(({ messages }) => messages.length === 6)
  const live = client.message(answerId(2))
  onTestFinished(live.subscribe(() => {}))
  await live.until(({ message }) => message !== null)
  await client.api.deleteMessage(answerId(2))
  expect(await live.until(({ status }) => status === 'refused')).toMatchObject({
    error: { code: 'not_found' },
    message: null,
  })
})

test('more documents than the server lets one socket follow are all shown, and none as an error', async () => {
  const server = await start({ store: await longChat(8), RUNNEL_MAX_SUBSCRIPTIONS: 3 })
  const { client } = watched(server.url)
  const statuses = new Set<string>()
  const lives = Array.from({ length: 8 }, (_, n) => client.message(answerId(n)))
  for (const live of lives) onTestFinished(live.subscribe(() => statuses.add(live.getSnapshot().status)))
  await soon(() => client.connection.getSnapshot().status).toBe('open')
  await soon(() => lives.map((live) => textOf(live.getSnapshot()))).toEqual(lives.map((_, n) => answerText(n, 2_000)))
  expect([...statuses]).toEqual(['live'])
})

test('a page that does not hold all answers is followed by another', async () => {
  const server = await start({ store: await longChat(12, { chars: 150_000 }) })
  const { client, asked } = watched(server.url)
  const page = show(client, longChatId)
  await soon(() => page.isWhole()).toBe(true)
  expect(page.views.size).toBe(24)
  expect(asked.filter((call) => call.includes('/messages?')).length).toBeGreaterThan(1)
  expect(page.text(answerId(0))).toBe(answerText(0, 150_000))
})

test('one page that could not be read puts its messages on the line until they are known to be whole, no longer', async () => {
  const server = await start({ store: await longChat(8) })
  let failed = 0
  const { client, followed, everFollowed } = watched(server.url, (path) => {
    if (path.includes('/messages?') && failed++ === 0) throw new TypeError('The line broke.')
  })
  const page = show(client, longChatId)
  await soon(() => page.isWhole()).toBe(true)
  expect(failed).toBeGreaterThan(0)
  expect(everFollowed.has(answerId(7))).toBe(true)
  // Questions are refused there, so they have no place; and they were read again.
  await soon(() => [...followed].filter((id) => !id.startsWith('msg_q'))).toEqual([longChatId])
  expect(page.text(questionId(7))).toBe('Why, for the time 7?')
  expect(page.text(answerId(7))).toBe(answerText(7, 2_000))
  expect(page.views.size).toBe(16)
})
