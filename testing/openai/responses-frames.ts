/** Steps of an answer in the events, and as the document, of the Responses API. */
import { dataFrame, USUAL_USAGE, type AnswerEncoder } from './encoder.ts'
import { itemOf, type OpenItem } from './responses-items.ts'
import { responseOf } from './response-document.ts'
import type { ReceivedRequest } from './received-request.ts'
import type { FakeFinish, FakeUsage, Step } from './script.ts'

type Status = 'queued' | 'in_progress' | 'completed' | 'incomplete' | 'failed' | 'cancelled'
type Words = Extract<OpenItem, { text: string }>['kind']

export interface ResponsesEncoder extends AnswerEncoder {
  readonly id: string
  /** Says that it has ended before its end. */
  cancel(): void
}

export function responsesEncoder(request: ReceivedRequest, number: number): ResponsesEncoder {
  const id = `resp_fake${number}`
  const output: object[] = []
  /** By their place in the output, where they are not closed yet. */
  const open = new Map<number, OpenItem>()
  const calls = new Map<number, number>()
  const base = responseOf(id, request.body)
  let sequence = 0
  let status: Status = request.body.background === true ? 'queued' : 'in_progress'
  let ending: object = {}

  const event = (type: string, fields: object): string =>
    `event: ${type}\n${dataFrame({ type, sequence_number: sequence++, ...fields })}`
  const document = () => ({ ...base, status, output: output.slice(), ...ending })

  const add = (item: OpenItem): string => {
    open.set(item.index, item)
    output[item.index] = itemOf(item, 'in_progress')
    return event('response.output_item.added', { output_index: item.index, item: output[item.index] })
  }

  /** The events that close an item: what it holds, its part, itself. */
  const close = (item: OpenItem, how: 'completed' | 'incomplete' = 'completed'): string[] => {
    open.delete(item.index)
    output[item.index] = itemOf(item, how)
    const at = { item_id: item.id, output_index: item.index }
    const done = event('response.output_item.done', { output_index: item.index, item: output[item.index] })
    if (item.kind === 'call') {
      const { name, arguments: text } = item
      return [event('response.function_call_arguments.done', { ...at, name, arguments: text }), done]
    }
    const { names, place, part, logprobs } = wordsOf(item.kind, item.text)
    const whole = { [item.kind === 'refusal' ? 'refusal' : 'text']: item.text }
    return [
      event(`${names.words}.done`, { ...at, ...place, ...whole, ...logprobs }),
      event(`${names.part}.done`, { ...at, ...place, part }),
      done,
    ]
  }
  const closeAll = (how?: 'completed' | 'incomplete') => [...open.values()].flatMap((item) => close(item, how))

  const grow = (kind: Words, text: string): string[] => {
    const [current] = open.values()
    const frames: string[] = []
    let item = open.size === 1 && current?.kind === kind ? current : null
    if (!item) {
      frames.push(...closeAll())
      const index = output.length
      item = { index, kind, id: `${kind === 'reasoning' ? 'rs' : 'msg'}_fake${number}_${index}`, text: '' }
      const { names, place, part } = wordsOf(kind, '')
      frames.push(add(item), event(`${names.part}.added`, { item_id: item.id, output_index: index, ...place, part }))
    }
    item.text += text
    const { names, place, logprobs } = wordsOf(kind, text)
    const at = { item_id: item.id, output_index: item.index, ...place }
    return [...frames, event(`${names.words}.delta`, { ...at, delta: text, ...logprobs })]
  }

  const callPart = (part: Omit<Extract<Step, { type: 'call_part' }>, 'type'>): string[] => {
    const frames: string[] = []
    let index = calls.get(part.call)
    let item = index === undefined ? undefined : open.get(index)
    if (item?.kind !== 'call') {
      frames.push(...[...open.values()].filter(({ kind }) => kind !== 'call').flatMap((other) => close(other)))
      index = output.length
      calls.set(part.call, index)
      const { id: callId = '', name = '' } = part
      item = { index, kind: 'call', id: `fc_fake${number}_${index}`, callId, name, arguments: '' }
      frames.push(add(item))
    }
    if (part.arguments === '') return frames
    item.arguments += part.arguments
    const at = { item_id: item.id, output_index: item.index }
    return [...frames, event('response.function_call_arguments.delta', { ...at, delta: part.arguments })]
  }

  const end = (reason: FakeFinish, usage: FakeUsage): string[] => {
    const isCut = reason === 'length' || reason === 'content_filter'
    const frames = closeAll(isCut ? 'incomplete' : 'completed')
    status = isCut ? 'incomplete' : 'completed'
    ending = {
      usage: usageFields(usage),
      ...(isCut && { incomplete_details: { reason: reason === 'length' ? 'max_output_tokens' : reason } }),
    }
    return [...frames, event(`response.${status}`, { response: document() })]
  }

  return {
    id,
    start: () => {
      const created = event('response.created', { response: document() })
      const queued = status === 'queued' ? [event('response.queued', { response: document() })] : []
      status = 'in_progress'
      return [created, ...queued, event('response.in_progress', { response: document() })]
    },
    encode(step) {
      switch (step.type) {
        case 'text':
        case 'reasoning':
        case 'refusal':
          return grow(step.type, step.text)
        case 'tool_call': {
          const call = -1 - calls.size
          const frames = [...closeAll(), ...callPart({ call, id: step.id, name: step.name, arguments: '' })]
          for (const text of step.arguments) frames.push(...callPart({ call, arguments: text }))
          return [...frames, ...closeAll()]
        }
        case 'call_part':
          return callPart(step)
        case 'finish':
          return step.more ? [] : end(step.reason ?? 'stop', step.usage ?? USUAL_USAGE)
        case 'error': {
          const { message, code = 'server_error', param = null } = step
          const frames = [event('error', { code, message, param })]
          status = 'failed'
          ending = { error: { code, message } }
          return [...frames, event('response.failed', { response: document() })]
        }
      }
    },
    whole: document,
    cancel() {
      if (status === 'in_progress' || status === 'queued') status = 'cancelled'
    },
  }
}

/** How the events are called that words of a kind come in, and what each of them has. */
function wordsOf(kind: Words, text: string) {
  if (kind === 'reasoning')
    return {
      names: { words: 'response.reasoning_summary_text', part: 'response.reasoning_summary_part' },
      place: { summary_index: 0 },
      part: { type: 'summary_text', text },
      logprobs: {},
    }
  return {
    names: { words: kind === 'text' ? 'response.output_text' : 'response.refusal', part: 'response.content_part' },
    place: { content_index: 0 },
    part:
      kind === 'text'
        ? { type: 'output_text', annotations: [], logprobs: [], text }
        : { type: 'refusal', refusal: text },
    logprobs: kind === 'text' ? { logprobs: [] } : {},
  }
}

function usageFields({ inputTokens, outputTokens }: FakeUsage): object {
  return {
    input_tokens: inputTokens,
    input_tokens_details: { cached_tokens: 0 },
    output_tokens: outputTokens,
    output_tokens_details: { reasoning_tokens: 0 },
    total_tokens: inputTokens + outputTokens,
  }
}
