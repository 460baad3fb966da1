import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { indexFolder } from '../../examples/folder/search.ts'
import type { Message, TextBlock } from '../../shared/schema.ts'
import { answer, startFakeOpenAI } from '../../testing/index.ts'
import { startExample } from './example.ts'

const sourcesOf = ({ output }: Message) => output.filter((block) => block.type === 'source')
const lastText = ({ output }: Message) => output.findLast((block) => block.type === 'text') as TextBlock
const cited = (text: TextBlock) =>
  text.annotations.map(({ start_index: start, end_index: end, title }) => [
    text.text.slice(Number(start), Number(end)),
    title,
  ])

test(
  'without a key: what was found is shown as sources, and stands at the end of the answer',
  { timeout: 60_000 },
  async () => {
    const example = await startExample(['examples/folder/main.ts'])
    const message = await example.ask('when is the harbour office open? (tool)')
    expect(sourcesOf(message)[0]).toMatchObject({
      title: 'Opening hours',
      url: 'https://example.com/pages/harbour.md',
      sourceType: 'document',
      snippet: expect.stringContaining('08:00'),
    })
    const text = lastText(message)
    expect(text.text).toMatch(/From the folder: \[1\] Opening hours/)
    expect(cited(text)[0]).toEqual(['[1] Opening hours', 'Opening hours'])
    expect(sourcesOf(await example.ask('xyzzy (tool)'))).toEqual([])
    expect(await example.end()).toBe(0)
  },
)

test('a model gets the passages, and its marks become citations', { timeout: 60_000 }, async () => {
  const fake = await startFakeOpenAI()
  onTestFinished(() => fake.close())
  fake.enqueue(
    answer({ text: 'The Moon pulls on both sides [1], and at new moon the Sun helps [2]; [9] says nothing.' }),
  )
  const example = await startExample(['examples/folder/main.ts'], { OPENAI_BASE_URL: fake.url, OPENAI_API_KEY: 'key' })
  const message = await example.ask('Why are there two high tides?')
  expect(JSON.stringify(fake.requests[0]!.body.messages)).toContain('bulges on both sides')
  expect(cited(lastText(message))).toEqual([
    ['[1]', 'Why there are two high tides a day'],
    ['[2]', sourcesOf(message)[1]!.title],
  ])
})

test('what people type is no query language', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'runnel-folder-'))
  onTestFinished(() => rm(folder, { recursive: true, force: true }))
  await writeFile(join(folder, 'a.md'), 'before any heading, NEAR the "quay"\n\n## Berths\n\nFour berths.\n')
  const search = indexFolder(folder)
  expect(search('"quay" OR (NEAR AND')).toMatchObject([{ file: 'a.md', heading: '' }])
  expect(search('berths*')).toMatchObject([{ heading: 'Berths' }])
  expect(search('" \' - *')).toEqual([])
})
