/** Steps of an answer in the frames of either API. */
import type { FakeFinish, FakeUsage, Step } from './fake-script.ts'

type Content = Extract<Step, { type: 'text' | 'reasoning' | 'refusal' | 'tool_call' | 'finish' | 'error' }>

/** Encodes the steps of one answer, one after the other. Each string is the frames of one write. */
export interface FrameEncoder {
  start(): string[]
  encode(step: Content): string[]
}

const defaultUsage: FakeUsage = { inputTokens: 10, outputTokens: 20 }

export function chatFrames(model: string): FrameEncoder {
  let calls = 0
  const chunk = (delta: object, finish: FakeFinish | null = null): string =>
    data({
      id: 'chatcmpl-fake',
      object: 'chat.completion.chunk',
      created: 0,
      model,
      choices: [{ index: 0, delta, finish_reason: finish }],
    })
  return {
    start: () => [chunk({ role: 'assistant', content: '' })],
    encode(step) {
      switch (step.type) {
        case 'text':
          return [chunk({ content: step.text })]
        case 'reasoning':
          return [chunk({ reasoning_content: step.text })]
        case 'refusal':
          return [chunk({ refusal: step.text })]
        case 'tool_call': {
          const index = calls++
          const first = { index, id: step.id, type: 'function', function: { name: step.name, arguments: '' } }
          return [first, ...step.arguments.map((text) => ({ index, function: { arguments: text } }))].map((fragment) =>
            chunk({ tool_calls: [fragment] }),
          )
        }
        case 'finish': {
          const { inputTokens, outputTokens } = step.usage ?? defaultUsage
          const usage = {
            prompt_tokens: inputTokens,
            completion_tokens: outputTokens,
            total_tokens: inputTokens + outputTokens,
          }
          return [
            chunk({}, step.reason ?? 'stop'),
            data({ id: 'chatcmpl-fake', object: 'chat.completion.chunk', created: 0, model, choices: [], usage }) +
              'data: [DONE]\n\n',
          ]
        }
        case 'error':
          return [data({ error: { message: step.message, type: 'server_error', code: null } })]
      }
    },
  }
}

interface OpenItem {
  index: number
  kind: 'text' | 'reasoning' | 'refusal'
  id: string
  text: string
}

export function responsesFrames(model: string): FrameEncoder {
  const output: object[] = []
  let sequence = 0
  let open: OpenItem | null = null

  const event = (type: string, fields: object): string =>
    `event: ${type}\n` + data({ type, sequence_number: sequence++, ...fields })
  const response = (status: string, fields: object = {}): object => ({
    id: 'resp_fake',
    object: 'response',
    created_at: 0,
    model,
    status,
    output: status === 'in_progress' ? [] : output,
    error: null,
    incomplete_details: null,
    usage: null,
    ...fields,
  })

  /** The events that open an item of this kind, behind those that close another one. */
  const openItem = (kind: OpenItem['kind']): string[] => {
    if (open?.kind === kind) return []
    const frames = closeItem()
    const index = output.length
    open = { index, kind, id: `item_${index}`, text: '' }
    const item =
      kind === 'reasoning'
        ? { id: open.id, type: 'reasoning', summary: [] }
        : { id: open.id, type: 'message', role: 'assistant', status: 'in_progress', content: [] }
    return [...frames, event('response.output_item.added', { output_index: index, item })]
  }

  const closeItem = (status = 'completed'): string[] => {
    if (!open) return []
    const { index, kind, id, text } = open
    open = null
    const item =
      kind === 'reasoning'
        ? { id, type: 'reasoning', summary: [{ type: 'summary_text', text }] }
        : {
            id,
            type: 'message',
            role: 'assistant',
            status,
            content: [
              kind === 'text' ? { type: 'output_text', text, annotations: [] } : { type: 'refusal', refusal: text },
            ],
          }
    output[index] = item
    return [event('response.output_item.done', { output_index: index, item })]
  }

  const grow = (kind: OpenItem['kind'], type: string, part: object, text: string): string[] => {
    const frames = openItem(kind)
    open!.text += text
    return [...frames, event(type, { output_index: open!.index, item_id: open!.id, ...part, delta: text })]
  }

  const end = (reason: FakeFinish, usage: FakeUsage): string[] => {
    const cut = reason === 'length' || reason === 'content_filter'
    const frames = closeItem(cut ? 'incomplete' : 'completed')
    const tokens = {
      input_tokens: usage.inputTokens,
      output_tokens: usage.outputTokens,
      total_tokens: usage.inputTokens + usage.outputTokens,
    }
    const status = cut ? 'incomplete' : 'completed'
    const details = cut ? { incomplete_details: { reason: reason === 'length' ? 'max_output_tokens' : reason } } : {}
    return [...frames, event(`response.${status}`, { response: response(status, { usage: tokens, ...details }) })]
  }

  return {
    start: () => [event('response.created', { response: response('in_progress') })],
    encode(step) {
      switch (step.type) {
        case 'text':
          return grow('text', 'response.output_text.delta', { content_index: 0 }, step.text)
        case 'refusal':
          return grow('refusal', 'response.refusal.delta', { content_index: 0 }, step.text)
        case 'reasoning':
          return grow('reasoning', 'response.reasoning_summary_text.delta', { summary_index: 0 }, step.text)
        case 'tool_call': {
          const frames = closeItem()
          const index = output.length
          const item = { id: `item_${index}`, type: 'function_call', call_id: step.id, name: step.name }
          const whole = { ...item, status: 'completed', arguments: step.arguments.join('') }
          output[index] = whole
          return [
            ...frames,
            event('response.output_item.added', {
              output_index: index,
              item: { ...item, status: 'in_progress', arguments: '' },
            }),
            ...step.arguments.map((text) =>
              event('response.function_call_arguments.delta', { output_index: index, item_id: item.id, delta: text }),
            ),
            event('response.output_item.done', { output_index: index, item: whole }),
          ]
        }
        case 'finish':
          return end(step.reason ?? 'stop', step.usage ?? defaultUsage)
        case 'error':
          return [event('error', { code: 'server_error', message: step.message, param: null })]
      }
    },
  }
}

function data(value: object): string {
  return `data: ${JSON.stringify(value)}\n\n`
}
