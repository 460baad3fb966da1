import { afterEach, expect, test, vi } from 'vitest'
import { makeThread, SchemaCheck } from '../../server/extension/schema-check.ts'
import { expectNothingLeftOpen } from '../helpers/open-handles.ts'
import type { JsonObject } from '../../shared/schema.ts'
import { longestHold } from '../helpers/longest-hold.ts'

expectNothingLeftOpen()

let check = new SchemaCheck()
afterEach(async () => {
  await check.close()
  check = new SchemaCheck()
})

const words: JsonObject = { type: 'object', properties: { words: { type: 'string', pattern: '^[a-z]+$' } } }

test('says what does not fit, also to many who ask at once', async () => {
  const answers = await Promise.all([
    check.faultOf(words, { words: 'fine' }),
    check.faultOf(words, { words: 7 }),
    check.faultOf(words, { words: 'NO' }),
    check.faultOf({ type: 'object', required: ['b'] }, {}),
  ])
  expect(answers).toEqual([
    null,
    'data/words must be string',
    'data/words must match pattern "^[a-z]+$"',
    "data must have required property 'b'",
  ])
})

test('a thread that could not be made costs its own check only', async () => {
  let made = 0
  check = new SchemaCheck(() => {
    if (made++ === 0) throw new Error('no thread to be had')
    return makeThread()
  })
  const checks = [check.faultOf(words, { words: 7 }), check.faultOf(words, { words: 7 })]
  await expect(checks[0]).rejects.toThrow('no thread')
  expect(await checks[1]).toBe('data/words must be string')
})

/** A schema that refers to itself twice at each of so many levels: 2 to the power of them is what a value costs. */
function laughing(levels: number): JsonObject {
  const definitions = Object.fromEntries(
    Array.from({ length: levels }, (_, i) => {
      const next = { $ref: `#/$defs/d${i + 1}` }
      return [`d${i}`, { allOf: [next, next] }]
    }),
  )
  return { $ref: '#/$defs/d0', $defs: { ...definitions, [`d${levels}`]: { type: 'object' } } } as unknown as JsonObject
}

test.each<[string, JsonObject]>([
  ['a pattern', { type: 'object', properties: { x: { type: 'string', pattern: '^(a+)+$' } } }],
  ['a pattern of names', { type: 'object', patternProperties: { '^(a+)+$': { type: 'number' } } }],
  ['references', laughing(40)],
])('%s that takes for ever holds up nobody, and the value is left to the server', async (_name, hostile) => {
  expect(await check.faultOf(words, { words: 7 })).not.toBeNull()
  const long = `${'a'.repeat(40)}!`
  const started = performance.now()
  const { result, longestMs } = await longestHold(() =>
    Promise.all([
      check.faultOf(hostile, { x: long, [long]: 1 }),
      check.faultOf(hostile, { x: long, [long]: 1 }),
      check.faultOf(words, { words: 7 }),
    ]),
  )
  expect(result).toEqual([null, null, 'data/words must be string'])
  expect(longestMs).toBeLessThan(50)
  // One deadline, and the start of another thread.
  expect(performance.now() - started).toBeLessThan(10_000)
})

test('what is beyond the thread fits: a schema without end, or one that is none', async () => {
  let deep: JsonObject = {}
  for (let i = 0; i < 2_000; i++) deep = { not: deep }
  expect(await check.faultOf(deep, {})).toBeNull()
  expect(await check.faultOf({ type: 'nonsense' }, {})).toBeNull()
  expect(await check.faultOf({ properties: { x: { pattern: '(' } } }, { x: 'a' })).toBeNull()
})

test("what the validator does not know is no line of anybody's log, and the rest is checked", async () => {
  const written: unknown[] = []
  const take = (chunk: unknown) => written.push(chunk) > 0
  const spies = [process.stderr, process.stdout].map((stream) => vi.spyOn(stream, 'write').mockImplementation(take))
  try {
    const odd: JsonObject = {
      type: 'object',
      properties: {
        a: { type: 'integer', format: 'uint' },
        b: { type: 'string', format: 'my-own' },
        c: { type: 'array', items: [{}, { type: 'string' }] },
      },
      'x-order': [1],
    }
    expect(await check.faultOf(odd, { a: 1, b: 'x', c: [] })).toBeNull()
    expect(await check.faultOf(odd, { a: 'x' })).toBe('data/a must be integer')
    // The thread's last words come before it has ended.
    await check.close()
  } finally {
    for (const spy of spies) spy.mockRestore()
  }
  expect(written.map(String).filter((chunk) => /format|strict|unknown/.test(chunk))).toEqual([])
})
