/** The list of chats: what is heard while it is being read is newer than what is being read. */
import { expect, onTestFinished, test } from 'vitest'
import { connect } from '../../client/index.ts'
import { ChatList } from '../../client/parts/chat-list.ts'
import { start } from '../http/server.ts'

/** The machine may be busy. */
const soon = <T>(value: () => T) => expect.poll(value, { timeout: 12_000, interval: 10 })

test.each(['the first read', 'a read anew', 'a search'])(
  '%s brings nothing back that was deleted or renamed meanwhile',
  async (kind) => {
    const server = await start()
    let held: PromiseWithResolvers<void> | null = null
    let arrived = 0
    const client = connect({
      url: server.url,
      start: 'now',
      fetch: async (input, init) => {
        const response = await fetch(input, init)
        // A list as it was when it was asked for.
        if (new URL(input as string).pathname !== '/api/chats' || init!.method !== 'GET') return response
        const { status, headers } = response
        const body = await response.text()
        arrived += 1
        await held?.promise
        return new Response(body, { status, headers })
      },
    })
    onTestFinished(() => client.close())
    const events: string[] = []
    client.onChatEvent(({ event, chatId }) => events.push(`${event} ${chatId}`))
    await soon(() => client.connection.getSnapshot().status).toBe('open')
    const make = async (title: string) => (await client.api.createChat({ title })).id
    const [kept, renamed, deleted] = [await make('Moon one'), await make('Moon two'), await make('Moon three')]
    await soon(() => events.length).toBe(3)

    const list = new ChatList(() => client, kind === 'a search' ? { query: 'moon' } : {})
    if (kind !== 'a read anew') held = Promise.withResolvers()
    onTestFinished(list.subscribe(() => {}))
    const titles = () => Object.fromEntries(list.getSnapshot().chats.map(({ id, title }) => [id, title]))
    if (kind === 'a read anew') {
      await soon(titles).toEqual({ [kept]: 'Moon one', [renamed]: 'Moon two', [deleted]: 'Moon three' })
      held = Promise.withResolvers()
      arrived = 0
      list.refresh()
    }
    await soon(() => arrived).toBe(1)
    await client.api.renameChat(renamed, 'The sun')
    await client.api.deleteChat(deleted)
    await soon(() => events.slice(3)).toEqual([`renamed ${renamed}`, `deleted ${deleted}`])
    held!.resolve()
    await soon(() => list.getSnapshot().pending).toBe(false)
    expect(titles()).toEqual({ [kept]: 'Moon one', [renamed]: 'The sun' })
    // What was heard is said of that read alone.
    list.refresh()
    await soon(() => arrived).toBe(2)
    await soon(() => list.getSnapshot().pending).toBe(false)
    expect(Object.keys(titles())).not.toContain(deleted)
  },
)
