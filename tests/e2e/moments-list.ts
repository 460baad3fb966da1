/** Forty moments of one run, in their order: how it comes from the one before to each. */
import type { Message } from '../../shared/schema.ts'
import { callOf, type MomentsRun } from './moments-world.ts'

export interface Moment {
  name: string
  go(run: MomentsRun): Promise<void> | void
}

const moment = (name: string, go: Moment['go']): Moment => ({ name, go })
const has = (type: string, words: string) => ({ output }: Message) => output.some(block => block.type === type && JSON.stringify(block).includes(words))
const callIs = (callId: string, status: string) => (message: Message) => callOf(message, callId)?.status === status
const call = (run: MomentsRun, index: number, name: string, round: number, args = `{"round":${round}}`) =>
  run.delta({ tool_calls: [{ index, id: `${name}_${round}`, function: { name, arguments: args } }] })

export const moments: Moment[] = [
  moment('queued', run => run.sees(({ status }) => status === 'queued')),
  moment('preparing has begun', async run => {
    run.busy.end()
    await run.reaches('inlet begins')
    await run.sees(has('progress', 'Preparing: rules'))
  }),
  moment('preparing says what it does, which waits for its half second', async run => {
    run.gates.open('inlet begins')
    await run.reaches('inlet goes on')
  }),
  moment('preparing shows a source', async run => {
    run.gates.open('inlet goes on')
    await run.sees(has('source', 'a.example'))
  }),
  moment('the model is asked, and says nothing yet', async run => {
    run.gates.open('inlet ends')
    await run.nextRequest()
  }),
  moment('the first thought', async run => {
    run.delta({ reasoning_content: 'Hm. ' })
    await run.sees(has('reasoning', 'Hm.'))
  }),
  moment('further thoughts', async run => {
    run.delta({ reasoning_content: 'Well.' })
    await run.sees(has('reasoning', 'Hm. Well.'))
  }),
  moment('the first token', async run => {
    run.delta({ content: 'Let ' })
    await run.sees(has('text', 'Let '))
  }),
  moment('more tokens', async run => {
    run.delta({ content: 'me see 🌊. ' })
    await run.sees(has('text', 'see 🌊.'))
  }),
  moment('a call begins', async run => {
    call(run, 0, 'lines', 1, '{"rou')
    await run.sees(has('tool_call', 'rou'))
  }),
  moment('the arguments of a call are whole', async run => {
    run.delta({ tool_calls: [{ index: 0, function: { arguments: 'nd":1}' } }] })
    await run.sees(message => callOf(message, 'lines_1')?.arguments === '{"round":1}')
  }),
  moment('the second and third call are there', async run => {
    call(run, 1, 'search', 1)
    call(run, 2, 'gather', 1)
    await run.sees(message => callOf(message, 'gather_1')?.arguments === '{"round":1}')
  }),
  moment('three tools run', async run => {
    run.endRequest()
    await run.reaches('lines 1 begins', 'search 1 begins', 'gather 1 begins')
    await run.sees(message => message.status === 'waiting' && callIs('gather_1', 'running')(message))
  }),
  moment('a tool streams its first output', async run => {
    run.gates.open('lines 1 begins')
    await run.sees(message => callOf(message, 'lines_1')?.output === 'line 1\n')
  }),
  moment('a tool says how far it is', async run => {
    run.gates.open('search 1 begins')
    await run.sees(message => callOf(message, 'search_1')?.progress === 'page 1')
  }),
  moment('a tool shows a source', async run => {
    run.gates.open('gather 1 begins')
    await run.sees(has('source', 'tool.example'))
  }),
  moment('a tool shows a file', async run => {
    run.gates.open('gather 1 goes on')
    await run.sees(has('file', 'table.csv'))
  }),
  moment('the second call is over', async run => {
    run.gates.open('search 1 ends')
    await run.sees(callIs('search_1', 'completed'))
  }),
  moment('the third call is over', async run => {
    run.gates.open('gather 1 ends')
    await run.sees(callIs('gather_1', 'completed'))
  }),
  moment('a tool streams on', async run => {
    run.gates.open('lines 1 goes on')
    await run.sees(message => callOf(message, 'lines_1')?.output === 'line 1\nline 2\n')
  }),
  moment('between the rounds: the model is asked again', async run => {
    run.gates.open('lines 1 ends')
    await run.nextRequest()
    await run.sees(callIs('lines_1', 'completed'))
  }),
  moment('a thought of the second round', async run => {
    run.delta({ reasoning_content: 'More.' })
    await run.sees(has('reasoning', 'More.'))
  }),
  moment('a word of the second round', async run => {
    run.delta({ content: 'Once more. ' })
    await run.sees(has('text', 'Once more. '))
  }),
  moment('a call of the second round begins', async run => {
    call(run, 0, 'lines', 2, '{"round"')
    await run.sees(message => callOf(message, 'lines_2')?.arguments === '{"round"')
  }),
  moment('all calls of the second round are whole', async run => {
    run.delta({ tool_calls: [{ index: 0, function: { arguments: ':2}' } }] })
    call(run, 1, 'search', 2)
    call(run, 2, 'pay', 2)
    await run.sees(message => callOf(message, 'pay_2')?.arguments === '{"round":2}')
  }),
  moment('two tools run, one call waits for a yes', async run => {
    run.endRequest()
    await run.reaches('lines 2 begins', 'search 2 begins')
    await run.sees(callIs('pay_2', 'awaiting_approval'))
  }),
  moment('output and progress of the second round', async run => {
    run.gates.open('lines 2 begins')
    run.gates.open('search 2 begins')
    await run.sees(message => callOf(message, 'lines_2')?.output === 'line 1\n' && callOf(message, 'search_2')?.progress === 'page 2')
  }),
  moment('one of them is over', async run => {
    run.gates.open('search 2 ends')
    await run.sees(callIs('search_2', 'completed'))
  }),
  moment('the other one has failed: only a person can go on', async run => {
    run.gates.open('lines 2 goes on')
    run.gates.open('lines 2 ends')
    await run.sees(callIs('lines_2', 'failed'))
  }),
  moment('allowed: the third tool runs', async run => {
    await run.world.server.call('POST', `/api/messages/${run.ids.messageId}/tool-calls/pay_2`, { decision: 'approve' })
    await run.reaches('pay 2 begins')
    await run.sees(callIs('pay_2', 'running'))
  }),
  moment('between the rounds: the model is asked for the last time', async run => {
    run.gates.open('pay 2 begins')
    await run.nextRequest()
    await run.sees(callIs('pay_2', 'completed'))
  }),
  moment('the last thought', async run => {
    run.delta({ reasoning_content: 'So.' })
    await run.sees(has('reasoning', 'So.'))
  }),
  moment('the answer begins', async run => {
    run.delta({ content: 'The tide ' })
    await run.sees(has('text', 'The tide '))
  }),
  moment('a citation', async run => {
    run.delta({ annotations: [{ type: 'url_citation', url_citation: { url: 'https://a.example', start_index: 0, end_index: 8 } }] })
    await run.sees(has('text', 'url_citation'))
  }),
  moment('in the middle of the answer', async run => {
    run.delta({ content: 'comes ' })
    await run.sees(has('text', 'The tide comes '))
  }),
  moment('the last token', async run => {
    run.delta({ content: 'in.' })
    await run.sees(has('text', 'comes in.'))
  }),
  moment('the model is done, a filter looks at the answer', async run => {
    run.endRequest('stop')
    await run.reaches('outlet begins')
  }),
  moment('that filter shows a source', async run => {
    run.gates.open('outlet begins')
    await run.sees(has('source', 'A last page'))
  }),
  moment('ended', async run => {
    run.gates.open('outlet ends')
    await run.end()
  }),
  moment('saved', async run => {
    await run.world.viewer.until(() => run.copy.ended, 'the end')
    while ((await run.world.server.call('GET', '/api/tasks')).body.items.length > 0);
  }),
]
