/** One call is finished before anything else begins, however a provider mixes them; nothing is lost by it. */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { CallOrder } from '../../server/provider/call-order.ts'
import type { ProviderEvent } from '../../server/provider/events.ts'
import { foldEvents } from '../helpers/fold-events.ts'

const start = (key: string, name = 'add'): ProviderEvent => ({
  type: 'block_start',
  key,
  block: { type: 'tool_call', status: 'streaming', callId: `id-${key}`, name, executor: 'client' },
})
const startText = (key: string): ProviderEvent => ({
  type: 'block_start',
  key,
  block: { type: 'text', status: 'in_progress' },
})
const args = (key: string, text: string): ProviderEvent => ({ type: 'delta', key, field: 'arguments', text })
const say = (key: string, text: string): ProviderEvent => ({ type: 'delta', key, field: 'text', text })
const end = (key: string, status: 'pending' | 'completed' = 'pending'): ProviderEvent => ({
  type: 'block_end',
  key,
  status,
})
const finish: ProviderEvent = { type: 'finish', reason: 'tool_calls' }

function ordered(events: readonly ProviderEvent[], order = new CallOrder()): ProviderEvent[] {
  return [...events.flatMap((event) => order.next(event) ?? []), ...order.rest()]
}

const keys = (events: readonly ProviderEvent[]) => events.flatMap((event) => ('key' in event ? [event.key] : []))

/** What comes of one block stands together. */
function isTogether(all: readonly string[], key: string): boolean {
  return all.lastIndexOf(key) - all.indexOf(key) + 1 === all.filter((other) => other === key).length
}

test('what is in order passes as it comes', () => {
  const events = [
    startText('t'),
    say('t', 'Adding. '),
    start('a'),
    args('a', '{"x":'),
    args('a', '1}'),
    start('b'),
    args('b', '{}'),
    end('t', 'completed'),
    end('a'),
    end('b'),
    finish,
  ]
  const order = new CallOrder()
  for (const event of events) expect(order.next(event)).toBe(event)
})

test('a call that begins while another is written waits for its end', () => {
  const order = new CallOrder()
  expect(order.next(start('a'))).toEqual(start('a'))
  expect(order.next(start('b'))).toBeNull()
  expect(order.next(args('b', '{"y":'))).toBeNull()
  expect(order.next(args('a', '{"x":1'))).toEqual([args('a', '{"x":1')])
  expect(order.next(args('a', '}'))).toEqual([args('a', '}'), start('b'), args('b', '{"y":')])
  expect(order.next(args('b', '2}'))).toEqual(args('b', '2}'))
})

test('what ends while a call is written has ended', () => {
  const order = new CallOrder()
  for (const event of [startText('t'), say('t', 'Hm.'), start('a'), end('t', 'completed'), args('a', '{}')])
    expect(order.next(event)).toBe(event)
})

test('a call without a name is not finished, whatever its arguments are', () => {
  const named: ProviderEvent = { type: 'block_set', key: 'a', fields: { name: 'late' } }
  expect(ordered([start('a', ''), args('a', '{}'), start('b'), named])).toEqual([
    start('a', ''),
    args('a', '{}'),
    named,
    start('b'),
  ])
})

test('a number could go on: it finishes no call', () => {
  expect(ordered([start('a'), args('a', '1'), start('b'), args('a', '2')])).toEqual([
    start('a'),
    args('a', '1'),
    args('a', '2'),
    start('b'),
  ])
})

test('calls that the provider runs hold up nothing', () => {
  const searching: ProviderEvent = {
    type: 'block_start',
    key: 's',
    block: { type: 'tool_call', status: 'streaming', callId: 's', name: 'search', executor: 'provider' },
  }
  const events = [searching, startText('t'), say('t', 'Hm.'), args('s', '{"q"')]
  expect(ordered(events)).toEqual(events)
})

test('what is held has a bound: there the call counts as finished', () => {
  const order = new CallOrder(1_000)
  const events = [start('a'), args('a', '{"never'), startText('t')]
  expect(events.flatMap((event) => order.next(event) ?? [])).toHaveLength(2)
  const told: ProviderEvent[] = []
  for (let i = 0; i < 20; i++) told.push(...[order.next(say('t', 'word '.repeat(10))) ?? []].flat())
  expect(told[0]).toEqual(startText('t'))
  expect(told).toHaveLength(21)
})

test('any mixture: calls stand together in the order in which they began, and the message is the same', () => {
  const text = fc.string({ unit: 'grapheme', minLength: 1, maxLength: 12 })
  const piece = fc.record({ pick: fc.nat(), cut: fc.integer({ min: 1, max: 6 }) })
  fc.assert(
    fc.property(
      fc.array(
        fc.oneof(
          fc.jsonValue().map((x) => ({ call: JSON.stringify({ x }) })),
          text.map((said) => ({ said })),
        ),
        {
          minLength: 1,
          maxLength: 8,
        },
      ),
      fc.array(piece, { minLength: 1, maxLength: 60 }),
      fc.boolean(),
      (blocks, picks, endsEarly) => {
        const left = blocks.map((block, index) => ({
          key: `${'call' in block ? 'call' : 'text'}-${index}`,
          rest: 'call' in block ? block.call : block.said,
          isCall: 'call' in block,
          begun: false,
        }))
        const events: ProviderEvent[] = []
        const open = [...left]
        for (let i = 0; open.length > 0; i++) {
          const { pick, cut } = picks[i % picks.length]!
          const at = (pick + i) % open.length
          // Blocks begin in their order, and grow in any.
          const block = open.slice(0, at + 1).find(({ begun }) => !begun) ?? open[at]!
          if (!block.begun) events.push(block.isCall ? start(block.key) : startText(block.key))
          block.begun = true
          const said = block.rest.slice(0, cut)
          block.rest = block.rest.slice(cut)
          if (said !== '') events.push(block.isCall ? args(block.key, said) : say(block.key, said))
          if (block.rest !== '') continue
          open.splice(open.indexOf(block), 1)
          if (endsEarly) events.push(end(block.key, block.isCall ? 'pending' : 'completed'))
        }
        if (!endsEarly) for (const { key, isCall } of left) events.push(end(key, isCall ? 'pending' : 'completed'))
        events.push(finish)
        const told = ordered(events)
        expect(foldEvents({ events: told })).toEqual(foldEvents({ events }))
        const spoken = keys(told.filter(({ type }) => type !== 'block_end'))
        for (const { key, isCall } of left) if (isCall) expect(isTogether(spoken, key), key).toBe(true)
      },
    ),
    { numRuns: 500 },
  )
})
