/** Steps of an answer in the frames, and as the document, of Chat Completions. */
import { dataFrame, nowInSeconds, USUAL_USAGE, type AnswerEncoder } from './encoder.ts'
import type { ReceivedRequest } from './received-request.ts'
import type { Content, FakeFinish, FakeUsage } from './script.ts'

interface Call {
  id: string
  name: string
  arguments: string
}

interface Choice {
  content: string | null
  reasoning: string | null
  refusal: string | null
  calls: Map<number, Call>
  finish: FakeFinish | null
}

export function chatEncoder({ body }: ReceivedRequest, id: number): AnswerEncoder {
  const asked = typeof body.n === 'number' && body.n > 1 ? body.n : 1
  const withUsage = (body.stream_options as { include_usage?: unknown } | null | undefined)?.include_usage === true
  const choices = new Map<number, Choice>()
  let usage: FakeUsage = USUAL_USAGE

  const head = {
    id: `chatcmpl-fake${id}`,
    object: 'chat.completion.chunk',
    created: nowInSeconds(),
    model: body.model ?? 'fake-model',
    service_tier: 'default',
    system_fingerprint: 'fp_fake',
  }
  const usageFields = () => ({
    prompt_tokens: usage.inputTokens,
    completion_tokens: usage.outputTokens,
    total_tokens: usage.inputTokens + usage.outputTokens,
  })
  const chunk = (index: number, delta: object, finish: FakeFinish | null = null): string =>
    dataFrame({
      ...head,
      choices: [{ index, delta, logprobs: null, finish_reason: finish }],
      ...(withUsage && { usage: null }),
    })
  const choiceAt = (index: number): Choice => {
    let choice = choices.get(index)
    if (!choice) {
      choice = { content: null, reasoning: null, refusal: null, calls: new Map(), finish: null }
      choices.set(index, choice)
    }
    return choice
  }

  /** One step for one choice. */
  const encodeFor = (index: number, step: Exclude<Content, { type: 'error' }>): string[] => {
    const isNew = !choices.has(index)
    const choice = choiceAt(index)
    const first = isNew ? [chunk(index, { role: 'assistant', content: '', refusal: null })] : []
    switch (step.type) {
      case 'text':
        choice.content = (choice.content ?? '') + step.text
        return [...first, chunk(index, { content: step.text })]
      case 'reasoning':
        choice.reasoning = (choice.reasoning ?? '') + step.text
        return [...first, chunk(index, { reasoning_content: step.text })]
      case 'refusal':
        choice.refusal = (choice.refusal ?? '') + step.text
        return [...first, chunk(index, { refusal: step.text })]
      case 'tool_call': {
        const call = choice.calls.size
        const opened = callPart(index, choice, { call, id: step.id, name: step.name, arguments: '' })
        return [...first, opened, ...step.arguments.map((text) => callPart(index, choice, { call, arguments: text }))]
      }
      case 'call_part':
        return [...first, callPart(index, choice, step)]
      case 'finish':
        choice.finish = step.reason ?? 'stop'
        return [...first, chunk(index, {}, choice.finish)]
    }
  }
  const callPart = (
    index: number,
    choice: Choice,
    part: { call: number; id?: string; name?: string; arguments: string },
  ): string => {
    const call = choice.calls.get(part.call)
    if (call) call.arguments += part.arguments
    else choice.calls.set(part.call, { id: part.id ?? '', name: part.name ?? '', arguments: part.arguments })
    const opens = part.id !== undefined || part.name !== undefined
    return chunk(index, {
      tool_calls: [
        {
          index: part.call,
          ...(opens && { id: part.id, type: 'function' }),
          function: { ...(opens && { name: part.name }), arguments: part.arguments },
        },
      ],
    })
  }

  return {
    start: () => {
      choiceAt(0)
      return [chunk(0, { role: 'assistant', content: '', refusal: null })]
    },
    encode(step) {
      if (step.type === 'error') {
        const { message, code = null, param = null } = step
        return [dataFrame({ error: { message, type: 'server_error', param, code } })]
      }
      const indexes = step.choice === undefined ? Array.from({ length: asked }, (_, index) => index) : [step.choice]
      const frames = indexes.flatMap((index) => encodeFor(index, step))
      if (step.type !== 'finish') return frames
      usage = step.usage ?? usage
      if (step.more) return frames
      const last = withUsage ? dataFrame({ ...head, choices: [], usage: usageFields() }) : ''
      return [...frames, `${last}data: [DONE]\n\n`]
    },
    whole: () => ({
      ...head,
      object: 'chat.completion',
      choices: [...choices]
        .sort(([a], [b]) => a - b)
        .map(([index, choice]) => ({
          index,
          message: messageOf(choice),
          logprobs: null,
          finish_reason: choice.finish,
        })),
      usage: {
        ...usageFields(),
        prompt_tokens_details: { cached_tokens: 0, audio_tokens: 0 },
        completion_tokens_details: { reasoning_tokens: 0, audio_tokens: 0 },
      },
    }),
  }
}

function messageOf({ content, reasoning, refusal, calls }: Choice): object {
  return {
    role: 'assistant',
    content,
    ...(reasoning !== null && { reasoning_content: reasoning }),
    refusal,
    annotations: [],
    ...(calls.size > 0 && {
      tool_calls: [...calls.values()].map(({ id, name, arguments: text }) => ({
        id,
        type: 'function',
        function: { name, arguments: text },
      })),
    }),
  }
}
