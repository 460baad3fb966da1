/** `createRunnel` on a store and a cluster that a program brings itself. */
import { afterEach, describe, expect, it, onTestFinished, test } from 'vitest'
import { createRunnel, type Store } from '../../server/index.ts'
import { clusterContract, storeContract } from '../../testing/contracts/index.ts'
import { answer, Collector, memoryStore, startFakeOpenAI, startRunnel } from '../../testing/index.ts'
import { Bus, notedStore } from './ports.ts'

const closing: (() => Promise<void>)[] = []
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close()
})

async function start(options: Parameters<typeof startRunnel>[0]) {
  const server = await startRunnel(options)
  closing.push(() => server.close())
  return server
}

describe('a store from outside', () => {
  storeContract(notedStore, { describe, it, expect })

  test('carries a whole server: asked, followed, continued elsewhere, and closed with it', async () => {
    const store = notedStore()
    const fake = await startFakeOpenAI()
    onTestFinished(() => fake.close())
    fake.enqueue(answer({ text: 'Kept by somebody else.' }))
    const server = await startRunnel({ store, OPENAI_BASE_URL: fake.url, OPENAI_API_KEY: 'key' })
    const { chatId, messageId } = await server.ask('Who keeps this?')
    const viewer = new Collector(server.url)
    closing.push(() => viewer.close())
    const [copy] = await viewer.follow(messageId)
    await viewer.until(() => copy!.ended)
    expect(copy!.text).toBe('Kept by somebody else.')
    const { body } = await server.call('GET', `/api/chats/${chatId}/messages`)
    expect(body.items.map(({ status }: { status: string }) => status)).toEqual(['completed', 'completed'])
    expect(server.runnel.stats()).toMatchObject({ storeBytes: 0 })
    expect(store.calls).toEqual(expect.arrayContaining(['createChat', 'startRun', 'memberRole']))
    expect(store.calls).not.toContain('close')
    await server.close()
    expect(store.calls.filter((name) => name === 'close')).toHaveLength(1)
  })

  test.each<[string, object, RegExp]>([
    ['store', { ...memoryStore(), renameChat: undefined }, /`store` has no renameChat/],
    ['store', { ...memoryStore(), log: {} }, /`store.log` has no append, no read, no compact/],
    ['store', {}, /`store` has no log, no /],
    ['cluster', { node: 'a' }, /`cluster` has no many, /],
  ])('a %s that is none is refused with what it lacks', (option, value, words) => {
    expect(() => createRunnel({ DATABASE_URL: 'memory:', [option]: value })).toThrow(words)
  })
})

describe('a cluster from outside', () => {
  clusterContract((store) => new Bus().node('one', store.log), { describe, it, expect })

  test('connects two servers: an answer of one is followed on the other as it grows', async () => {
    const bus = new Bus()
    const inner = memoryStore()
    // Each server closes its store.
    const store: Store = { ...inner, close: async () => {} }
    const fake = await startFakeOpenAI()
    closing.push(() => fake.close())
    const settings = { store, OPENAI_BASE_URL: fake.url, OPENAI_API_KEY: 'key' }
    const here = await start({ ...settings, cluster: bus.node('here', store.log) })
    const there = await start({ ...settings, cluster: (log) => bus.node('there', log) })
    const script = fake.manual()
    const { messageId, chatId } = await here.ask('Is anybody there?')
    const viewer = new Collector(there.url)
    closing.push(() => viewer.close())
    const [copy] = await viewer.follow(messageId, chatId)
    await script.request
    script.send('Some')
    await viewer.until(() => copy!.text === 'Some')
    script.send('body.')
    script.end()
    await viewer.until(() => copy!.ended && copy!.text === 'Somebody.')
  })
})
