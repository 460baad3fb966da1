import { expect, test } from 'vitest'
import { snippetOf } from '../../server/store/snippet.ts'

const shown = async (text: string, query: string) =>
  (await snippetOf(text, query)).map(({ text, match }) => (match ? `[${text}]` : text)).join('')

test.each([
  ['The tides.', 'tide', 'The [tides].'],
  ['Ebbe und Flut', 'EBBE flut', '[Ebbe] und [Flut]'],
  ['Crème brûlée', 'creme', '[Crème] brûlée'],
  ['creme brulee', 'Crème', '[creme] brulee'],
  ['潮 is 潮', '潮', '[潮] is [潮]'],
  ['nothing here', 'tide', ''],
  ['', 'tide', ''],
  ['a\u0000b\u202etide\u2028x', 'tide', 'a b [tide] x'],
  [`${'x '.repeat(100)}tide ${'y '.repeat(100)}`, 'tide', `…${'x '.repeat(19)}[tide]${' y'.repeat(78)}…`],
])('%j for %j', async (text, query, expected) => {
  expect(await shown(text, query)).toBe(expected)
})

test('the place with the most of the words is shown, not the first', async () => {
  const text = `ebb ${'x '.repeat(300)} flow ${'x '.repeat(300)} ebb and flow ${'x '.repeat(300)}`
  expect(await shown(text, 'ebb flow')).toMatch(/\[ebb\] and \[flow\]/)
})

test('no half of a pair, and no more than a line, of text without a space', async () => {
  for (const text of ['😀'.repeat(200) + 'tide' + '😀'.repeat(200), `tide${'e'.repeat(1_000_000)}`]) {
    const line = await shown(text, 'tide')
    expect(line.isWellFormed()).toBe(true)
    expect(line.length).toBeLessThan(260)
  }
})
