/** What a caller reads, and who follows the document, is in the order in which the provider said it. */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { recorded } from '../../testing/index.ts'
import type { Script } from '../../testing/openai/index.ts'
import { startDoor, tool, user } from './door-client.ts'

const chunk = (delta: object, reason: string | null = null) =>
  `data: ${JSON.stringify({ id: 'c', object: 'chat.completion.chunk', created: 1, model: 'm', choices: [{ index: 0, delta, finish_reason: reason }] })}\n\n`
const begin = (index: number, args = '') =>
  chunk({
    tool_calls: [
      { index, id: `call_${index}`, type: 'function', function: { name: `tool_${index}`, arguments: args } },
    ],
  })
const more = (index: number, args: string) => chunk({ tool_calls: [{ index, function: { arguments: args } }] })
const say = (content: string) => chunk({ content })
const over = `${chunk({}, 'tool_calls')}data: [DONE]\n\n`

/** What came, in its order, neighbours of one kind joined: `text: …`, `0: …`. A failure stands last. */
async function spoken(
  { client, fake }: Awaited<ReturnType<typeof startDoor>>,
  script: string | Script,
): Promise<{ told: string[]; messageId: string }> {
  fake.enqueue(typeof script === 'string' ? recorded(script) : script)
  const { data, response } = await client.chat.completions
    .create({ model: 'm', messages: user('Hi'), tools: [tool('tool_0'), tool('tool_1')], stream: true })
    .withResponse()
  const parts: [string, string][] = []
  const add = (kind: string, text: string) => {
    if (parts.at(-1)?.[0] === kind) parts.at(-1)![1] += text
    else parts.push([kind, text])
  }
  try {
    for await (const { choices } of data) {
      const { content, tool_calls: calls = [] } = choices[0]!.delta
      if (content) add('text', content)
      for (const { index, function: called } of calls) add(String(index), called?.arguments ?? '')
    }
  } catch (error) {
    add('failure', (error as Error).message)
  }
  return {
    told: parts.map(([kind, text]) => `${kind}: ${text}`),
    messageId: response.headers.get('x-runnel-message-id')!,
  }
}

test('text, call, text, call in one read', async () => {
  const door = await startDoor()
  const { told } = await spoken(
    door,
    say('First. ') + begin(0, '{"a"') + more(0, ':1}') + say('Then. ') + begin(1) + more(1, '{"b":2}') + over,
  )
  expect(told).toEqual(['text: First. ', '0: {"a":1}', 'text: Then. ', '1: {"b":2}'])
})

test('calls whose beginnings come first, in one read and in many', async () => {
  const door = await startDoor()
  const sse =
    say('Both. ') + begin(0) + begin(1) + more(0, '{"a":') + more(1, '{"b":') + more(0, '1}') + more(1, '2}') + over
  expect((await spoken(door, sse)).told).toEqual(['text: Both. ', '0: {"a":1}', '1: {"b":2}'])
  const steps = sse.split(/(?<=\n\n)/).flatMap((data) => [
    { type: 'raw' as const, data },
    { type: 'wait' as const, ms: 25 },
  ])
  expect((await spoken(door, { kind: 'answer', steps })).told).toEqual(['text: Both. ', '0: {"a":1}', '1: {"b":2}'])
})

test('what is held when a provider fails comes out, in its order', async () => {
  const door = await startDoor()
  const failure = 'data: {"error":{"message":"Oh."}}\n\n'
  const { told } = await spoken(door, begin(0, '{"a":') + begin(1, '{"b":2}') + say('and then') + failure)
  expect(told).toEqual(['0: {"a":', '1: {"b":2}', 'text: and then', expect.stringMatching(/^failure: .*Oh\./)])
})

test('any mixture of calls and texts', async () => {
  const door = await startDoor()
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.oneof({ weight: 2, arbitrary: fc.constant('call') }, fc.constant('text')), {
        minLength: 2,
        maxLength: 6,
      }),
      fc.infiniteStream(fc.nat(99)),
      async (kinds, picks) => {
        let calls = 0
        const blocks = kinds.map((kind, place) => {
          const index = kind === 'call' ? calls++ : -1
          const whole = kind === 'call' ? JSON.stringify({ place, words: 'a "b" }' }) : `Words ${place}. `
          return { index, whole, rest: whole, begun: false }
        })
        const open = [...blocks]
        let sse = ''
        while (open.length > 0) {
          const at = picks.next().value! % open.length
          // Texts come whole; calls begin in their order and grow in any.
          const block = open.slice(0, at + 1).find(({ begun }) => !begun) ?? open[at]!
          const size = block.index < 0 ? block.rest.length : 1 + (picks.next().value! % 20)
          const said = block.rest.slice(0, size)
          block.rest = block.rest.slice(size)
          sse += block.index < 0 ? say(said) : block.begun ? more(block.index, said) : begin(block.index, said)
          block.begun = true
          if (block.rest === '') open.splice(open.indexOf(block), 1)
        }
        const { told, messageId } = await spoken(door, sse + over)
        const expected: string[] = []
        for (const { index, whole } of blocks) {
          if (index >= 0) expected.push(`${index}: ${whole}`)
          else if (expected.at(-1)?.startsWith('text: ')) expected[expected.length - 1] += whole
          else expected.push(`text: ${whole}`)
        }
        expect(told).toEqual(expected)
        const { body } = await door.server.call('GET', `/api/messages/${messageId}`)
        expect(
          body.output.map(({ type, text, arguments: args }: any) => (type === 'text' ? text : args)).join(''),
        ).toBe(blocks.map(({ whole }) => whole).join(''))
      },
    ),
    { numRuns: 40 },
  )
})
