import { expect, test } from 'vitest'
import { moderation, wordList } from '../../server/extension/moderation.ts'
import { FilteredMessage } from './filtered-message.ts'

test('text waits until it was checked, and goes out in whole words', async () => {
  const seen: string[] = []
  const message = new FilteredMessage(
    moderation({
      everyChars: 10,
      check: (text) => {
        seen.push(text)
        return null
      },
    }),
  )
  await message.start()
  await message.delta('one two')
  expect(message.passed).toBe('')
  await message.delta(' three fo')
  expect(message.passed).toBe('one two three ')
  await message.delta('ur')
  await message.end()
  expect(message.text()).toBe('one two three four')
  expect(seen).toEqual(['one two three ', 'one two three four'])
})

test('a sentence ends the run before the text that offends is passed on', async () => {
  const message = new FilteredMessage(
    moderation({ everyChars: 10, check: async (text) => (text.includes('bad') ? 'Not this.' : null) }),
  )
  await message.start()
  await message.delta('good words and ')
  await message.delta('then bad ones, and more')
  expect(message.ended).toBe('Not this.')
  await message.delta(' of them all the time')
  await message.end()
  expect(message.passed).toBe('good words and ')
})

test('looks at the end of a block, and at nothing twice', async () => {
  const message = new FilteredMessage(moderation({ check: wordList(['bad']) }))
  await message.start('a')
  await message.delta('fine', 'a')
  await message.end('a')
  await message.start('b', 'reasoning')
  await message.delta('ba', 'b')
  await message.delta('d', 'b')
  expect(await message.end('b')).toEqual([])
  expect(message.ended).toContain('words that are not allowed')
  expect(message.message.output).toMatchObject([
    { text: 'fine', status: 'completed' },
    { text: '', status: 'in_progress' },
  ])
})

test('a check sees no more of a long text than its end, and no half word at its beginning', async () => {
  let longest = 0
  const begins = new Set<string>()
  const message = new FilteredMessage(
    moderation({
      everyChars: 50,
      check: (text) => {
        longest = Math.max(longest, text.length)
        begins.add(text.trimStart().slice(0, 6))
        return null
      },
    }),
  )
  await message.start()
  for (let i = 0; i < 3_000; i++) await message.delta('assass ')
  await message.end()
  expect(message.text()).toBe('assass '.repeat(3_000))
  expect(longest).toBeLessThan(4_096 + 100)
  expect([...begins]).toEqual(['assass'])
})

test('text without white space is checked too', async () => {
  const message = new FilteredMessage(
    moderation({ everyChars: 10, check: (text) => (text.includes('悪') ? 'no' : null) }),
  )
  await message.start()
  await message.delta('漢'.repeat(25))
  expect(message.passed).toHaveLength(25)
  await message.delta('悪'.repeat(25))
  expect(message.passed).toHaveLength(25)
  expect(message.ended).toBe('no')
})

test('a list of words finds whole words and phrases, whatever their case', async () => {
  const check = wordList(['ass', 'C++', 'two words'])
  const context = {} as never
  for (const text of ['an Ass.', 'in c++', 'TWO\n words', 'ass'])
    expect(await check(text, context), text).not.toBeNull()
  for (const text of ['a class', 'assess', 'C+', 'two swords', 'ässe'])
    expect(await check(text, context), text).toBeNull()
  expect(() => wordList([])).toThrow(TypeError)
  expect(() => wordList([' '])).toThrow(TypeError)
  expect(() => moderation({ check, everyChars: 0 })).toThrow(TypeError)
})
