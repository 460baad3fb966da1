/** Each oddity of a real provider means here what it says that it means. */
import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { odd, oddities, type OddityName } from '../../testing/openai/index.ts'
import { openaiProvider } from '../../server/provider/openai.ts'
import { collect, foldEvents } from '../helpers/fold-events.ts'
import { faultsOf, playBody } from '../helpers/outcome.ts'
import { hello, post, start } from './asking.ts'

const names = Object.keys(oddities) as OddityName[]

test.each(names)('%s', async (name) => {
  const { api, body, contentType, status, expected } = oddities[name]
  if (status !== undefined) {
    const fake = await start()
    fake.enqueue(odd(name))
    const provider = openaiProvider({ apiKey: 'key', baseURL: fake.url, api, idleMs: 5_000 })
    const asked = provider({ model: 'm', prompt: [{ role: 'user', text: 'Hello' }] }, new AbortController().signal)
    expect(faultsOf({ ...foldEvents(await collect(asked)), unknown: [] }, expected)).toEqual([])
    return
  }
  for (const cuts of ['whole', 'bytes', { seed: 7 }] as const)
    expect([name, faultsOf(await playBody(api, body, cuts, contentType), expected)]).toEqual([name, []])
})

test('there are many, each with a sentence, and a name that is none is refused', () => {
  expect(names.length).toBeGreaterThan(70)
  expect(Object.values(oddities).map(({ about }) => about.length > 10)).not.toContain(false)
  expect(() => odd('deepseek' as never)).toThrow('deepseek-reasoning')
})

test('they come over the wire as they are', async () => {
  const fake = await start()
  fake.enqueue(
    odd('deepseek-reasoning', { seed: 1 }),
    odd('document-instead-of-stream'),
    odd('comments-behind-finish', 'whole', { keepAlive: { data: ': here\n\n', everyMs: 5 } }),
  )
  const streamed = await post(`${fake.url}/chat/completions`, { ...hello, stream: true })
  expect(await streamed.text()).toBe(oddities['deepseek-reasoning'].body)
  const whole = await post(`${fake.url}/chat/completions`, { ...hello, stream: true })
  expect([whole.headers.get('content-type'), await whole.text()]).toEqual([
    'application/json',
    oddities['document-instead-of-stream'].body,
  ])
  // It goes on until the client leaves.
  const endless = await post(`${fake.url}/chat/completions`, { ...hello, stream: true })
  let text = ''
  for await (const part of endless.body!.pipeThrough(new TextDecoderStream())) {
    text += part
    if (text.endsWith(': here\n\n'.repeat(3))) break
  }
  await fake.requests[2]!.hungUp
  fake.done()
})

test('docs/TESTING.md has them all', () => {
  const page = readFileSync(new URL('../../docs/TESTING.md', import.meta.url), 'utf8')
  for (const name of names) expect(page).toContain(`| \`${name}\` | ${oddities[name].about} |`)
})
