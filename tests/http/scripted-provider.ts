import type { Provider, ProviderEvent } from '../../server/provider/events.ts'

/** A provider whose answers the test gives, event by event. What is given before the request comes waits for it. */
export function scriptedProvider() {
  const events: ProviderEvent[] = []
  let wake = () => {}
  const provider: Provider = async function* (_request, signal) {
    signal.addEventListener('abort', () => wake(), { once: true })
    for (;;) {
      const event = events.shift()
      if (event) yield event
      else if (signal.aborted) throw signal.reason
      else {
        await new Promise<void>((resolve) => {
          wake = resolve
        })
      }
    }
  }
  const give = (...given: ProviderEvent[]) => {
    events.push(...given)
    wake()
  }
  return {
    provider,
    give,
    startText: (key = 't') => give({ type: 'block_start', key, block: { type: 'text', status: 'in_progress' } }),
    text: (text: string, key = 't') => give({ type: 'delta', key, field: 'text', text }),
    finish: () =>
      give(
        { type: 'usage', usage: { inputTokens: 1, outputTokens: 2, totalTokens: 3 } },
        { type: 'finish', reason: 'stop' },
      ),
  }
}

/** Texts in turns, reasoning, calls, annotations, fields that are set again: all that a provider can do. */
export function* richAnswer(): Generator<ProviderEvent> {
  yield { type: 'block_start', key: 'h', block: { type: 'text', status: 'in_progress' } }
  yield { type: 'delta', key: 'h', field: 'text', text: 'It may be four.' }
  yield { type: 'annotation', key: 'h', annotation: { type: 'url', url: 'https://h.example', start: 0, end: 2 } }
  yield { type: 'block_type', key: 'h', block: { type: 'reasoning', origin: 'tag', startedAt: 4 } }
  yield { type: 'delta', key: 'h', field: 'text', text: ' Or five.' }
  yield { type: 'block_end', key: 'h', status: 'completed', fields: { endedAt: 5 } }
  yield {
    type: 'block_start',
    key: 'r',
    block: { type: 'reasoning', status: 'in_progress', origin: 'field', startedAt: 5 },
  }
  yield { type: 'delta', key: 'r', field: 'text', text: 'Thinking about 😀 the ' }
  yield { type: 'block_start', key: 'a', block: { type: 'text', status: 'in_progress' } }
  yield {
    type: 'block_start',
    key: 'c',
    block: { type: 'tool_call', status: 'streaming', callId: 'c1', name: 'search', executor: 'provider' },
  }
  for (let i = 0; i < 6; i++) {
    yield { type: 'delta', key: 'a', field: 'text', text: `line ${i}\r\n\ndata: "x"\u2028` }
    yield { type: 'delta', key: 'r', field: 'text', text: ' tide' }
    yield { type: 'delta', key: 'c', field: 'arguments', text: `{"${i}":` }
  }
  yield { type: 'delta', key: 'a', field: 'text', text: '\ud83d' }
  yield { type: 'block_end', key: 'r', status: 'completed', fields: { endedAt: 9 } }
  yield { type: 'delta', key: 'a', field: 'text', text: '\ude00 and on' }
  yield { type: 'annotation', key: 'a', annotation: { type: 'url', url: 'https://a.example', start: 1, end: 4 } }
  yield { type: 'block_set', key: 'c', fields: { progress: 'half', status: 'running' } }
  yield { type: 'block_set', key: 'c', fields: { progress: 'nearly' } }
  yield { type: 'delta', key: 'c', field: 'output', text: 'found' }
  yield { type: 'block_start', key: 's', block: { type: 'source', status: 'completed', title: 'A', sourceType: 'web' } }
  yield { type: 'block_end', key: 'c', status: 'completed' }
  yield { type: 'annotation', key: 'a', annotation: { type: 'url', url: 'https://b.example', start: 5, end: 6 } }
  yield { type: 'block_end', key: 'a', status: 'completed' }
  yield { type: 'usage', usage: { inputTokens: 1, outputTokens: 2, totalTokens: 3 } }
  yield { type: 'finish', reason: 'stop' }
}
