/** A world: what a product's own tests stand on. */
import { expect, onTestFinished, test, vi } from 'vitest'
import { z } from 'zod'
import {
  answer,
  Collected,
  counted,
  defineTool,
  stable,
  startWorld,
  type World,
  type WorldOptions,
} from '../../testing/index.ts'

async function world(options?: WorldOptions): Promise<World> {
  const started = await startWorld(options)
  onTestFinished(() => started.close().catch(() => {}))
  return started
}

const transports = ['ws', 'stream', 'poll', 'yjs', 'events'] as const

test.each(transports)(
  'a second person sees an answer grow over %s, is cut, comes back, and has what the server has',
  async (transport) => {
    const made = await world()
    const stream = made.fake.manual()
    const chat = await made.chat({ as: 'ada' })
    const sent = await chat.ask('What is the weather?')
    const tab = await made.viewer(sent.messageId, { as: 'ben', transport })
    stream.send('Sun')
    await tab.sees('Sun')
    await tab.cut()
    stream.send('ny, all day.')
    await tab.sees(/all day/)
    const second = await tab.secondTab()
    expect(second.text).toBe('Sunny, all day.')
    await tab.refresh()
    expect(tab.text).toBe('Sunny, all day.')
    stream.end()
    expect((await tab.ended({ taskId: sent.taskId })).status).toBe('completed')
    await second.ended()
    expect(tab.bytes).toBeGreaterThan(0)
    await made.close()
  },
)

test('reads as a story: a tool, an answer, two people', async () => {
  const weather = defineTool({
    name: 'weather',
    description: 'The weather of a town.',
    parameters: z.object({ town: z.string() }),
    execute: ({ town }) => `Sun in ${town}.`,
  })
  await using made = await world({ tools: [weather] })
  const call = { id: 'call-1', name: 'weather', arguments: '{"town":"Kiel"}' }
  made.fake.on({ user: /weather/ }, answer({ toolCalls: [call] }))
  made.fake.on({ user: /weather/ }, answer({ text: 'Sunny.' }))
  const chat = await made.chat({ as: 'ada', title: 'Kiel', members: { ben: 'editor' } })
  const sent = await chat.ask('What is the weather?', { as: 'ben' })
  const tab = await made.viewer(sent.messageId, { as: 'ben' })
  const message = await tab.ended({ taskId: sent.taskId })
  expect(message.by).toMatchObject({ name: 'Ben' })
  expect(JSON.stringify(message.output)).toContain('Sun in Kiel.')
  // The same in each run, and what belongs together stays together.
  const ids = counted()
  expect(stable({ sent, message }, { ids })).toMatchObject({
    sent: { messageId: 'msg_1', userMessageId: 'msg_2', taskId: 'task_1', chatId: 'chat_1' },
    message: { id: 'msg_1', parentId: 'msg_2', taskId: 'task_1', createdAt: 0, endedAt: 0 },
  })
})

test('a viewer that is refused says so at once, and whoever is no member is made one unless that is forbidden', async () => {
  const made = await world({ fake: { fallback: answer({ text: 'Yes.' }) } })
  const chat = await made.chat()
  const sent = await chat.ask('Well?')
  for (const transport of transports) {
    const startedAt = performance.now()
    const refused = made.viewer(sent.messageId, { as: 'eve', role: null, transport })
    await expect(refused).rejects.toThrow(/eve of msg_.* over .* cannot get its first state/)
    expect(performance.now() - startedAt).toBeLessThan(3_000)
  }
  expect((await (await made.viewer(sent.messageId, { as: 'eve' })).ended()).status).toBe('completed')
  const nobody = made.viewer(sent.messageId, { as: null })
  await expect(nobody).rejects.toThrow('(nobody)')
  await made.close()
})

test('a reader that loses the right to read hears it while it waits', async () => {
  const made = await world()
  const stream = made.fake.manual()
  const chat = await made.chat()
  const sent = await chat.ask('Well?')
  const tabs = await Promise.all(transports.map((transport) => made.viewer(sent.messageId, { as: 'ben', transport })))
  stream.send('One')
  await Promise.all(tabs.map((tab) => tab.sees('One')))
  const waiting = tabs.map((tab) => tab.sees('Two').then(String, (error: Error) => error.message))
  await chat.remove('ben')
  for (const words of await Promise.all(waiting)) expect(words).toMatch(/cannot see "Two"/)
  stream.end()
  await (await made.viewer(sent.messageId)).ended()
  await made.close()
})

test('what was waited for in vain says all that is known', async () => {
  const made = await world()
  const stream = made.fake.manual()
  const chat = await made.chat()
  const sent = await chat.ask('What is the weather?')
  const tab = await made.viewer(sent.messageId)
  stream.send('Rain, rain.')
  await tab.sees('Rain')
  const error = await tab.sees('Sun', 50).catch((error: Error) => error)
  const { message } = error as Error
  expect(message).toContain('did not see "Sun" within 50 ms')
  expect(message).toMatch(/status streaming and the text "Rain, rain\."/)
  expect(message).toMatch(/ms in \d+ B (updates|checkpoint|subscribed)/)
  expect(message).toMatch(/The provider was asked:\n {2}1\. .*What is the weather\?/)
  stream.end()
  await tab.ended()
  await made.close()
})

test('a later run of the same message is waited for by its task', async () => {
  const made = await world()
  const chat = await made.chat()
  made.fake.enqueue(answer({ text: 'Once upon', finish: 'length' }), answer({ text: ' a time.' }))
  const sent = await chat.ask('A story?')
  const tabs = await Promise.all(transports.map((transport) => made.viewer(sent.messageId, { transport })))
  await Promise.all(tabs.map((tab) => tab.ended({ taskId: sent.taskId })))
  const again = await chat.continue(sent.messageId)
  for (const message of await Promise.all(tabs.map((tab) => tab.ended({ taskId: again.taskId }))))
    expect(message).toMatchObject({ taskId: again.taskId, status: 'completed' })
  await made.close()
})

test('a slow reader takes nothing until it goes on, and then has all', async () => {
  const made = await world()
  const stream = made.fake.manual()
  const chat = await made.chat()
  const sent = await chat.ask('Well?')
  const [slow, quick] = [await made.viewer(sent.messageId), await made.viewer(sent.messageId)]
  slow.pause()
  stream.send('Hello')
  await quick.sees('Hello')
  expect(slow.text).toBe('')
  slow.resume()
  await slow.sees('Hello')
  stream.end()
  await Promise.all([slow.ended(), quick.ended()])
  await made.close()
})

test('its end says what is wrong: scripts that nobody used, requests that nobody expected, runs, connections', async () => {
  const unused = await world()
  unused.fake.on({ user: 'never' }, answer({ text: 'No.' }))
  await expect(unused.close()).rejects.toThrow(/Expected and not used: the answer "No\."/)

  const unexpected = await world()
  const chat = await unexpected.chat()
  const sent = await chat.ask('Who expects this?')
  await (await unexpected.viewer(sent.messageId)).ended()
  await expect(unexpected.close()).rejects.toThrow(/Nobody expected .*Who expects this\?/)

  const going = await world()
  const stream = going.fake.manual()
  const other = await going.chat()
  const left = await other.ask('Well?')
  stream.send('And')
  await (await going.viewer(left.messageId)).sees('And')
  const socket = new WebSocket(`${going.url.replace('http', 'ws')}/yjs/${left.messageId}?token=ada`)
  await new Promise((resolve) => socket.addEventListener('open', resolve))
  const error = await going.close().catch((error: Error) => error.message)
  expect(error).toMatch(/1 × a run is streaming/)
  expect(error).toMatch(/1 × a connection is open that nobody closed/)
})

test('fifty worlds in one process, each within some milliseconds, leave nothing open', async () => {
  const startedAt = performance.now()
  const worlds = await Promise.all(Array.from({ length: 50 }, () => world()))
  const eachMs = (performance.now() - startedAt) / worlds.length
  await Promise.all(
    worlds.map(async (made, i) => {
      made.fake.on({ user: `question ${i}` }, answer({ text: `Answer ${i}.` }))
      const sent = await (await made.chat()).ask(`question ${i}`)
      expect((await (await made.viewer(sent.messageId)).ended()).output).toMatchObject([{ text: `Answer ${i}.` }])
    }),
  )
  await Promise.all(worlds.map((made) => made.close()))
  console.log(`a world starts in ${eachMs.toFixed(1)} ms`)
})

test('a copy that differs from the server is a fault, at a checkpoint and at the end', async () => {
  const made = await world()
  made.fake.enqueue(answer({ text: 'Sunny.' }), answer({ text: 'Rainy.' }))
  const chat = await made.chat()
  const first = await chat.ask('Today?')
  const { call } = made.server
  made.server.call = async (...asked) => {
    const answered = await call(...asked)
    return asked[1] === `/api/messages/${first.messageId}`
      ? { ...answered, body: { ...answered.body, model: 'another' } }
      : answered
  }
  const ended = (await made.viewer(first.messageId)).ended()
  await expect(ended).rejects.toThrow(/has another copy than the server, which has \{.*"model":"another"/)

  const digest = vi.spyOn(Collected.prototype, 'digest', 'get').mockReturnValue('of another copy')
  onTestFinished(() => digest.mockRestore())
  const second = await chat.ask('Tomorrow?')
  const seen = made.viewer(second.messageId).then((tab) => tab.sees('what never comes'))
  await expect(seen).rejects.toThrow("Its copy differs from the server's at a checkpoint.")
  await made.close()
})
