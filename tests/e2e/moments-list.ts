/** Forty moments of one run, in their order: how it comes from the one before to each. */
import type { Message } from '../../shared/schema.ts'
import { callOf, type MomentsRun } from './moments-world.ts'

export interface Moment {
  name: string
  go(run: MomentsRun): Promise<void>
}

type Seen = (message: Message) => boolean

/** It is there when `go` is done and the viewer has what it `sees`. */
const moment = (name: string, go: (run: MomentsRun) => Promise<void> | void, sees?: Seen): Moment => ({
  name,
  go: async (run) => {
    await go(run)
    if (sees) await run.sees(sees)
  },
})
const has =
  (type: string, words: string): Seen =>
  ({ output }) =>
    output.some((block) => block.type === type && JSON.stringify(block).includes(words))
const callHas =
  (callId: string, field: 'status' | 'arguments' | 'output' | 'progress', value: string): Seen =>
  (message) =>
    callOf(message, callId)?.[field] === value
const call = (run: MomentsRun, index: number, name: string, round: number, args = `{"round":${round}}`) =>
  run.delta({ tool_calls: [{ index, id: `${name}_${round}`, function: { name, arguments: args } }] })

export const moments: Moment[] = [
  moment(
    'queued',
    () => {},
    ({ status }) => status === 'queued',
  ),
  moment(
    'preparing has begun',
    async (run) => {
      run.busy.end()
      await run.reaches('inlet begins')
    },
    has('progress', 'Preparing: rules'),
  ),
  moment('preparing says what it does, which waits for its half second', async (run) => {
    run.gates.open('inlet begins')
    await run.reaches('inlet goes on')
  }),
  moment('preparing shows a source', (run) => run.gates.open('inlet goes on'), has('source', 'a.example')),
  moment('the model is asked, and says nothing yet', async (run) => {
    run.gates.open('inlet ends')
    await run.nextRequest()
  }),
  moment('the first thought', (run) => run.delta({ reasoning_content: 'Hm. ' }), has('reasoning', 'Hm.')),
  moment('further thoughts', (run) => run.delta({ reasoning_content: 'Well.' }), has('reasoning', 'Hm. Well.')),
  moment('the first token', (run) => run.delta({ content: 'Let ' }), has('text', 'Let ')),
  moment('more tokens', (run) => run.delta({ content: 'me see 🌊. ' }), has('text', 'see 🌊.')),
  moment('a call begins', (run) => call(run, 0, 'lines', 1, '{"rou'), has('tool_call', 'rou')),
  moment(
    'the arguments of a call are whole',
    (run) => run.delta({ tool_calls: [{ index: 0, function: { arguments: 'nd":1}' } }] }),
    callHas('lines_1', 'arguments', '{"round":1}'),
  ),
  moment(
    'the second and third call are there',
    (run) => {
      call(run, 1, 'search', 1)
      call(run, 2, 'gather', 1)
    },
    callHas('gather_1', 'arguments', '{"round":1}'),
  ),
  moment(
    'three tools run',
    async (run) => {
      run.endRequest()
      await run.reaches('lines 1 begins', 'search 1 begins', 'gather 1 begins')
    },
    (message) => message.status === 'waiting' && callHas('gather_1', 'status', 'running')(message),
  ),
  moment(
    'a tool streams its first output',
    (run) => run.gates.open('lines 1 begins'),
    callHas('lines_1', 'output', 'line 1\n'),
  ),
  moment(
    'a tool says how far it is',
    (run) => run.gates.open('search 1 begins'),
    callHas('search_1', 'progress', 'page 1'),
  ),
  moment('a tool shows a source', (run) => run.gates.open('gather 1 begins'), has('source', 'tool.example')),
  moment('a tool shows a file', (run) => run.gates.open('gather 1 goes on'), has('file', 'table.csv')),
  moment(
    'the second call is over',
    (run) => run.gates.open('search 1 ends'),
    callHas('search_1', 'status', 'completed'),
  ),
  moment(
    'the third call is over',
    (run) => run.gates.open('gather 1 ends'),
    callHas('gather_1', 'status', 'completed'),
  ),
  moment(
    'a tool streams on',
    (run) => run.gates.open('lines 1 goes on'),
    callHas('lines_1', 'output', 'line 1\nline 2\n'),
  ),
  moment(
    'between the rounds: the model is asked again',
    async (run) => {
      run.gates.open('lines 1 ends')
      await run.nextRequest()
    },
    callHas('lines_1', 'status', 'completed'),
  ),
  moment(
    'a thought of the second round',
    (run) => run.delta({ reasoning_content: 'More.' }),
    has('reasoning', 'More.'),
  ),
  moment('a word of the second round', (run) => run.delta({ content: 'Once more. ' }), has('text', 'Once more. ')),
  moment(
    'a call of the second round begins',
    (run) => call(run, 0, 'lines', 2, '{"round"'),
    callHas('lines_2', 'arguments', '{"round"'),
  ),
  moment(
    'all calls of the second round are whole',
    (run) => {
      run.delta({ tool_calls: [{ index: 0, function: { arguments: ':2}' } }] })
      call(run, 1, 'search', 2)
      call(run, 2, 'pay', 2)
    },
    callHas('pay_2', 'arguments', '{"round":2}'),
  ),
  moment(
    'two tools run, one call waits for a yes',
    async (run) => {
      run.endRequest()
      await run.reaches('lines 2 begins', 'search 2 begins')
    },
    callHas('pay_2', 'status', 'awaiting_approval'),
  ),
  moment(
    'output and progress of the second round',
    (run) => {
      run.gates.open('lines 2 begins')
      run.gates.open('search 2 begins')
    },
    (message) =>
      callHas('lines_2', 'output', 'line 1\n')(message) && callHas('search_2', 'progress', 'page 2')(message),
  ),
  moment('one of them is over', (run) => run.gates.open('search 2 ends'), callHas('search_2', 'status', 'completed')),
  moment(
    'the other one has failed: only a person can go on',
    (run) => {
      run.gates.open('lines 2 goes on')
      run.gates.open('lines 2 ends')
    },
    callHas('lines_2', 'status', 'failed'),
  ),
  moment(
    'allowed: the third tool runs',
    async (run) => {
      await run.world.server.call('POST', `/api/messages/${run.ids.messageId}/tool-calls/pay_2`, {
        decision: 'approve',
      })
      await run.reaches('pay 2 begins')
    },
    callHas('pay_2', 'status', 'running'),
  ),
  moment(
    'between the rounds: the model is asked for the last time',
    async (run) => {
      run.gates.open('pay 2 begins')
      await run.nextRequest()
    },
    callHas('pay_2', 'status', 'completed'),
  ),
  moment('the last thought', (run) => run.delta({ reasoning_content: 'So.' }), has('reasoning', 'So.')),
  moment('the answer begins', (run) => run.delta({ content: 'The tide ' }), has('text', 'The tide ')),
  moment(
    'a citation',
    (run) =>
      run.delta({
        annotations: [
          { type: 'url_citation', url_citation: { url: 'https://a.example', start_index: 0, end_index: 8 } },
        ],
      }),
    has('text', 'url_citation'),
  ),
  moment('in the middle of the answer', (run) => run.delta({ content: 'comes ' }), has('text', 'The tide comes ')),
  moment('the last token', (run) => run.delta({ content: 'in.' }), has('text', 'comes in.')),
  moment('the model is done, a filter looks at the answer', async (run) => {
    run.endRequest('stop')
    await run.reaches('outlet begins')
  }),
  moment('that filter shows a source', (run) => run.gates.open('outlet begins'), has('source', 'A last page')),
  moment('ended', async (run) => {
    run.gates.open('outlet ends')
    await run.end()
  }),
  moment('saved', async (run) => {
    await run.world.viewer.until(() => run.copy.ended, 'the end')
    while ((await run.world.server.call('GET', '/api/tasks')).body.items.length > 0);
  }),
]
