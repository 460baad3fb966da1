/** docs/ERRORS.md against the table of codes: each code has one heading, with what the table says of it, a cause and a remedy. */
import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { afterClose, errorCodes, errorRow } from '../shared/errors.ts'

const read = (file: string) => readFileSync(new URL(`../${file}`, import.meta.url), 'utf8')
const page = read('docs/ERRORS.md')
const sections = page
  .split(/^## /m)
  .slice(1)
  .map((section) => {
    const [heading = '', ...lines] = section.split(/^# /m)[0]!.split('\n')
    return { heading, text: lines.join('\n').trim() }
  })
const closeCodes = sections.map(({ heading }) => heading).filter((heading) => /^\d+$/.test(heading))

test('each code has one heading, and each heading is a code', () => {
  const headings = sections.map(({ heading }) => heading)
  expect(headings.filter((heading) => !/^\d+$/.test(heading)).toSorted()).toEqual([...errorCodes].toSorted())
  expect(new Set(headings).size).toBe(headings.length)
})

test.each(errorCodes)('%s: status, close code and retry as in the table', (code) => {
  const { http, close, retryable } = errorRow(code)
  const { text } = sections.find(({ heading }) => heading === code)!
  const facts = [`HTTP ${http}`, ...(close === undefined ? [] : [`closes a socket with ${close}`])]
  expect(text.split('\n')[0]).toBe([...facts, retryable ? 'worth a retry' : 'no retry helps'].join(' · '))
})

test.each(sections)('$heading has a cause and a remedy', ({ text }) => {
  expect(text).toMatch(/^\*\*Cause\.\*\* \S.{20,}$/m)
  expect(text).toMatch(/^\*\*Remedy\.\*\* \S.{20,}$/m)
})

test('each close code has a heading, and says whether clients come back', () => {
  const ours = errorCodes.flatMap((code) => errorRow(code).close ?? [])
  const listed = [
    ...read('docs/PROTOCOL.md')
      .split('## Close codes')[1]!
      .split('\n## ')[0]!
      .matchAll(/\b[14]\d{3}\b/g),
  ]
  for (const code of [...ours, ...listed.map(Number)]) expect(closeCodes).toContain(String(code))
  for (const { heading, text } of sections.filter((section) => closeCodes.includes(section.heading)))
    expect([heading, /gives up/.test(text)]).toEqual([heading, afterClose(Number(heading)) === 'give_up'])
})

test('what it names exists: codes, settings', async () => {
  for (const [, anchor] of page.matchAll(/\]\(#(\w+)\)/g)) expect(errorCodes).toContain(anchor)
  const { settings } = await import('../server/config/config.ts')
  for (const [, name] of page.matchAll(/`((?:RUNNEL|OPENAI)_[A-Z_]+)(?:=\w+)?`/g))
    expect(Object.keys(settings)).toContain(name)
})

test.each(['README.md', 'docs/PROTOCOL.md'])('%s links to it', (file) => {
  expect(read(file)).toMatch(/\]\((docs\/)?ERRORS\.md\)/)
})
