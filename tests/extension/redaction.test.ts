import { describe, expect, test } from 'vitest'
import { redaction } from '../../server/extension/redaction.ts'
import { chosenSeeds, Random } from '../fuzz/random.ts'
import { FilteredMessage } from './filtered-message.ts'

const key = { pattern: /sk-[a-z0-9]{8}/, replacement: '[key]' }

async function stream(message: FilteredMessage, chunks: readonly string[]): Promise<string> {
  await message.start()
  for (const chunk of chunks) await message.delta(chunk)
  await message.end()
  return message.text()
}

function cut(text: string, random: Random): string[] {
  const chunks: string[] = []
  for (let at = 0; at < text.length;) {
    const next = at + random.integer(1, 6)
    chunks.push(text.slice(at, next))
    at = next
  }
  return chunks
}

const seeds = chosenSeeds(500)

test(`a secret cut anywhere is never handed on, not its beginning either (${seeds.length} seeds)`, async () => {
  for (const seed of seeds) {
    const random = new Random(seed)
    const where = `RUNNEL_FUZZ_SEED=${seed}`
    const word = () => random.pick(['sk', 's', '-', ' the', '😀', ' task-', '\n', 'key sk-', '\ud83d', '漢'])
    const secret = `sk-${Array.from({ length: 8 }, () => random.pick(['a', 'b', 'k', '0', 's', '7'])).join('')}`
    const around = () => Array.from({ length: random.integer(0, 5) }, word).join('')
    const text = `${around()}${secret}${around()}`
    const expected = text.toWellFormed().replaceAll(/sk-[a-z0-9]{8}/g, '[key]')
    const filter = redaction({ patterns: [key] })
    for (let border = 1; border < text.length; border++) {
      const message = new FilteredMessage(filter)
      await message.start()
      for (const chunk of [text.slice(0, border), text.slice(border)]) {
        await message.delta(chunk)
        expect(expected.startsWith(message.passed), where).toBe(true)
      }
      await message.end()
      expect(message.passed, where).toBe(expected)
      expect(message.text(), where).toBe(expected)
      expect(message.rewrites).toBe(0)
    }
    expect(await stream(new FilteredMessage(filter), cut(text, random)), where).toBe(expected)
  }
}, 60_000)

test('a match that is longer than what may be held is replaced where it was shown', async () => {
  for (const seed of chosenSeeds(200)) {
    const random = new Random(seed)
    const where = `RUNNEL_FUZZ_SEED=${seed}`
    const maxHeldChars = random.integer(0, 6)
    const patterns = [
      { pattern: /<<[^>]*>>/, replacement: '[gone]' },
      { pattern: /\bsk(?:-\w{2,9})+(?!!)/u, replacement: '' },
      { pattern: /😀+x/u, replacement: '😀' },
      { pattern: /a{3}b|a/, replacement: 'A' },
    ]
    const text = Array.from({ length: random.integer(0, 40) }, () =>
      random.pick(['<<', '>>', '>', 'sk', '-', 'ab', 'a', 'aa', '😀', 'x', ' ', '!', 'long word', '\ud83d', '\n']),
    ).join('')
    const expected = text
      .toWellFormed()
      .replaceAll(/(<<[^>]*>>)|(\bsk(?:-\w{2,9})+(?!!))|(😀+x)|a{3}b|a/gu, (_, tag, name, smile) =>
        tag ? '[gone]' : name ? '' : smile ? '😀' : 'A',
      )
    const message = new FilteredMessage(redaction({ patterns, maxHeldChars }))
    await message.start()
    for (const chunk of cut(text, random)) await message.delta(chunk)
    await message.end()
    expect(message.text(), where).toBe(expected)
  }
})

test('only what may be the beginning of a match waits, and not more than may', async () => {
  const message = new FilteredMessage(
    redaction({ patterns: [{ pattern: /BEGIN[^]*?END/, replacement: '[block]' }], maxHeldChars: 10 }),
  )
  await message.start()
  await message.delta('now BEG')
  expect(message.passed).toBe('now ')
  await message.delta('INNING')
  expect(message.passed).toBe('now ')
  await message.delta(' of it all')
  expect(message.passed).toBe('now BEGINNING')
  expect(message.rewrites).toBe(0)
  await message.delta(' to the END, and on')
  expect(message.rewrites).toBe(1)
  expect(message.passed).toBe('now BEGINNING, and on')
  expect(message.text()).toBe('now [block], and on')
})

test('what never was shown does not reach the document, also in one long delta', async () => {
  const message = new FilteredMessage(
    redaction({ patterns: [{ pattern: /BEGIN[^]*?END/, replacement: '[block]' }], maxHeldChars: 10 }),
  )
  expect(await stream(message, [`${'x'.repeat(5_000)}BEGIN ${'y'.repeat(3_000)} END.`])).toBe(
    `${'x'.repeat(5_000)}[block].`,
  )
  expect(message.rewrites).toBe(0)
})

test('a match without end counts as ended at 4,096 characters', async () => {
  const digits = { pattern: /\d+/, replacement: '#' }
  const message = new FilteredMessage(redaction({ patterns: [digits] }))
  expect(
    await stream(
      message,
      Array.from({ length: 1_000 }, () => '12345'),
    ),
  ).toMatch(/^#{1,2}$/)
  const never = new FilteredMessage(redaction({ patterns: [{ pattern: /"[^"]*"/, replacement: '""' }] }))
  const text = `"${'word '.repeat(4_000)}and "this"`
  expect(await stream(never, text.match(/.{1,7}/g)!)).toContain('word word')
  expect(never.text().length).toBeGreaterThan(19_000)
})

test('texts that grow at the same time are looked at apart, and those that were not asked for not at all', async () => {
  const message = new FilteredMessage(redaction({ patterns: [key] }))
  await message.start('t')
  await message.start('r', 'reasoning')
  await message.start('c', 'tool_call')
  await message.delta('sk-abcd', 't')
  await message.delta('{"sk-abcd', 'c', 'arguments')
  await message.delta('sk-9999', 'r')
  await message.delta('efgh', 't')
  await message.delta('efgh"}', 'c', 'arguments')
  await message.delta('9999', 'r')
  for (const name of ['t', 'r', 'c']) await message.end(name)
  expect(message.message.output).toMatchObject([{ text: '[key]' }, { text: '[key]' }, { arguments: '{"sk-abcdefgh"}' }])

  const calls = new FilteredMessage(redaction({ patterns: [key], fields: ['arguments'] }))
  await calls.start('t')
  await calls.start('c', 'tool_call')
  await calls.delta('sk-abcdefgh', 't')
  await calls.delta('{"sk-abcd', 'c', 'arguments')
  await calls.delta('efgh"}', 'c', 'arguments')
  for (const name of ['t', 'c']) await calls.end(name)
  expect(calls.message.output).toMatchObject([{ text: 'sk-abcdefgh' }, { arguments: '{"[key]"}' }])
})

test('what is held back goes out with the end of its block, other events at once', async () => {
  const message = new FilteredMessage(redaction({ patterns: [key] }))
  await message.start()
  expect(await message.delta('sk-ab')).toEqual([])
  const annotation = { type: 'annotation', key: 't', annotation: { type: 'x' } } as const
  expect(await message.send(annotation)).toEqual([annotation])
  expect(await message.end()).toEqual([
    { type: 'delta', key: 't', field: 'text', text: 'sk-ab' },
    { type: 'block_end', key: 't', status: 'completed' },
  ])
})

test('says so when another filter changed what it would replace', async () => {
  const message = new FilteredMessage(redaction({ patterns: [key], maxHeldChars: 0 }))
  await message.start()
  await message.delta('sk-abcd')
  message.writer.replace('b0', 'text', 0, 2, 'no')
  await expect(message.delta('efgh')).rejects.toThrow('the last filter that changes text')
})

describe('refuses', () => {
  test.each([
    { patterns: [{ pattern: /(?<=key )\w+/, replacement: '' }] },
    { patterns: [key], maxHeldChars: 5_000 },
    { patterns: [key], maxHeldChars: Number.NaN },
  ])('%o', (options) => {
    expect(() => redaction(options)).toThrow(TypeError)
  })
})
