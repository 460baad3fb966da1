/** What a frame costs does not depend on what came before it, nor on how it is written. */
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { expect, test } from 'vitest'
import { readFrame } from '../../server/provider/frames.ts'
import { ChatMapper } from '../../server/provider/openai-chat.ts'
import { createSseReader } from '../../server/provider/sse.ts'
import { unknownPaths } from '../../server/provider/unknown-paths.ts'
import { redactor } from '../../server/secrets/secrets.ts'

/** CPU time of this thread, the better of two. */
function costMs(work: () => void): number {
  const once = () => {
    const before = process.threadCpuUsage()
    work()
    const { user, system } = process.threadCpuUsage(before)
    return (user + system) / 1_000
  }
  return Math.min(once(), once())
}

test('thoughts that come in two fields cost the same, however many came before', () => {
  const chunks = (count: number) => () => {
    const mapper = new ChatMapper(() => {})
    for (let i = 0; i < count; i++) {
      const delta = { reasoning: `A thought of number ${i}. `, reasoning_content: `Another word, for ${i} too. ` }
      mapper.push(undefined, JSON.stringify({ choices: [{ index: 0, delta }] }))
      mapper.events.length = 0
    }
  }
  costMs(chunks(2_000))
  expect(costMs(chunks(8_000))).toBeLessThan(6 * costMs(chunks(2_000)) + 20)
})

test('a frame in a frame in a frame is read at once', () => {
  for (const levels of [6_000, 200_000]) {
    expect(costMs(() => readFrame(undefined, `${'data:'.repeat(levels)}[DONE]`))).toBeLessThan(100)
    expect(readFrame(undefined, `${'data:'.repeat(levels)} data: {"choices":[]}`)).toEqual({ choices: [] })
  }
})

test.each<[string, (lines: string[]) => string]>([
  ['JSON on many lines', (lines) => `{"a": [\n${lines.map((line) => `  "${line}"`).join(',\n')}\n]}\n`],
  ['words on many lines', (lines) => lines.map((line) => `${line}\n`).join('')],
  ['words on many lines in a stream', (lines) => `data: {}\r\n\r\n${lines.map((line) => `${line}\r\n`).join('')}`],
  ['words on lines that end as they did long ago', (lines) => lines.map((line) => `${line}\r`).join('')],
  ['times to wait that are none', (lines) => lines.map((line) => `retry: ${line}\n`).join('')],
])('%s cost no more than their characters', (_, made) => {
  const read = (text: string) => () => {
    const reader = createSseReader({ onFrame: () => {} })
    const bytes = Buffer.from(text)
    for (let at = 0; at < bytes.length; at += 65_536) reader.push(bytes.subarray(at, at + 65_536))
    reader.end()
  }
  const lines = Array.from({ length: 30_000 }, (_, i) => `d${i % 7}`)
  const one = costMs(read(`{"a":"${lines.join(' ')}"}\n`))
  expect(costMs(read(made(lines)))).toBeLessThan(10 * one + 60)
})

setFlagsFromString('--expose-gc')
const collect = runInNewContext('gc') as () => void

/** Of the heap, without what nobody holds. */
function heldBytes(): number {
  collect()
  return process.memoryUsage().heapUsed
}

test('of a name that is not understood no more is kept and told than a person reads', () => {
  const told: string[] = []
  const onUnknown = unknownPaths(redactor(['sk-very-secret']), (path) => told.push(path))
  const before = heldBytes()
  for (let i = 0; i < 100; i++) onUnknown(`${i} sk-very-secret ${'x'.repeat(1_000_000)}`.toLowerCase())
  expect(heldBytes() - before).toBeLessThan(10_000_000)
  expect(told[7]).toBe(`7 *** ${'x'.repeat(194)}`)
  onUnknown('choices.delta.odd')
  expect(told.at(-1)).toBe('choices.delta.odd')
})
