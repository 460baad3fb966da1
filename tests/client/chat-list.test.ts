/** The list of chats: what is heard while it is being read is newer than what is being read. */
import { expect, onTestFinished, test } from 'vitest'
import { connect } from '../../client/index.ts'
import { Lab } from '../../client/lab/index.ts'
import { ChatList } from '../../client/parts/chat-list.ts'
import { start } from '../http/server.ts'
import { secret, tokenOf } from '../http/people.ts'

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
        if (!new URL(input as string).searchParams.has('pinned')) arrived += 1
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

/** A client, what it asks for the list and for single chats, and a door that each answer of these goes through. */
async function listen(url: string, token?: () => string) {
  const lab = new Lab()
  const requests: string[] = []
  let door = async (_path: string) => {}
  const client = connect({
    url,
    ...(token && { token }),
    WebSocket: lab.WebSocket,
    fetch: async (input, init) => {
      const { pathname, search } = new URL(input as string)
      const isOfLists = init!.method === 'GET' && pathname.startsWith('/api/chats')
      if (!isOfLists) return await fetch(input, init)
      requests.push(search === '' ? pathname : search)
      await door(pathname)
      return await fetch(input, init)
    },
  })
  onTestFinished(() => client.close())
  const isOpen = () => soon(() => client.connection.getSnapshot().status).toBe('open')
  return { lab, client, requests, isOpen, hold: (next: typeof door) => void (door = next) }
}

test('a chat that is deleted between what was told of it and the read of it is gone, and no error', async () => {
  const server = await start()
  const { client, isOpen, hold } = await listen(server.url)
  const list = new ChatList(() => client)
  const errors: unknown[] = []
  onTestFinished(
    list.subscribe(() => {
      const { error } = list.getSnapshot()
      if (error) errors.push(error)
    }),
  )
  await isOpen()
  const [kept, gone] = [await client.api.createChat({ title: 'Kept' }), await client.api.createChat({ title: 'Gone' })]
  const ids = () => list.getSnapshot().chats.map(({ id }) => id)
  await soon(ids).toEqual([gone.id, kept.id])
  const [asked, released] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()]
  hold(async (path) => {
    if (!path.endsWith(gone.id)) return
    asked.resolve()
    await released.promise
  })
  await client.api.changeChat(gone.id, { pinned: true })
  await asked.promise
  await client.api.deleteChat(gone.id)
  await soon(ids).toEqual([kept.id])
  released.resolve()
  // Behind it in the line of what is read.
  await client.api.changeChat(kept.id, { pinned: true })
  await soon(() => list.getSnapshot().chats).toMatchObject([{ id: kept.id, pinned: true }])
  expect([errors, ids()]).toEqual([[], [kept.id]])
})

test('what is pinned is there before its page is, comes and goes at once; a lost line costs few requests', async () => {
  const server = await start()
  const { lab, client, requests, isOpen } = await listen(server.url)
  const make = async (title: string) => (await server.call('POST', '/api/chats', { title })).body.id as string
  const ids: string[] = []
  for (let i = 0; i < 260; i++) ids.unshift(await make(`Number ${i}`))
  const deep = ids[250]!
  const deeper = ids[255]!
  await client.api.changeChat(deep, { pinned: true })
  const list = new ChatList(() => client)
  onTestFinished(list.subscribe(() => {}))
  const shown = () => list.getSnapshot().chats.map(({ id }) => id)
  await soon(shown).toEqual([deep, ...ids.slice(0, 50)])
  await isOpen()
  await soon(() => list.getSnapshot().pending).toBe(false)
  // On another device, where more of them were read.
  await server.call('PATCH', `/api/chats/${deeper}`, { pinned: true })
  await soon(() => shown().slice(0, 3)).toEqual([deep, deeper, ids[0]])
  // Nobody has come to it here: it stands where it will be.
  await server.call('PATCH', `/api/chats/${deeper}`, { pinned: false })
  await soon(shown).toEqual([deep, ...ids.slice(0, 50), deeper])
  for (const known of [101, 151, 201, 251]) {
    list.loadMore()
    await soon(() => shown().length).toBeGreaterThanOrEqual(known)
  }
  const all = [deep, ...ids.filter((id) => id !== deep)]
  expect(shown()).toEqual(all.slice(0, 251).toSpliced(251, 0, deeper))

  await soon(() => list.getSnapshot().pending).toBe(false)
  const before = requests.length
  const back = lab.offline(200)
  const behind = await make('While the line was down')
  await back
  await soon(shown).toEqual([deep, behind, ...all.slice(1, 251)])
  expect(requests.slice(before).map((query) => new URLSearchParams(query).get('limit'))).toEqual(['200', '200', '51'])
  list.loadMore()
  await soon(() => shown().length).toBe(261)
  expect([new Set(shown()).size, list.getSnapshot().hasMore]).toEqual([261, false])
})

test('what could not be read without a sign-in is read with the next, and no error is left of it', async () => {
  const server = await start({ RUNNEL_AUTH_SECRET: secret })
  let token = 'nobody'
  const { client, isOpen } = await listen(server.url, () => token)
  const list = new ChatList(() => client)
  const seen: string[] = []
  onTestFinished(
    list.subscribe(() => {
      const { error, pending } = list.getSnapshot()
      seen.push(`${client.connection.getSnapshot().status} ${pending} ${error?.code}`)
    }),
  )
  await soon(() => list.getSnapshot().error?.code).toBe('unauthenticated')
  await soon(() => client.connection.getSnapshot().status).toBe('closed')
  token = await tokenOf('ada')
  client.connection.retry()
  await isOpen()
  await soon(() => list.getSnapshot()).toMatchObject({ pending: false, error: null, chats: [] })
  expect(seen.filter((one) => one.startsWith('open') && one.includes('unauthenticated'))).toEqual([])
})
