import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { openaiProvider } from '../server/provider/openai.ts'
import { median, token, type Figure } from './harness.ts'

const chunks = 20_000
/** As many chunks as a fast model sends between two reads of a socket. */
const chunksARead = 4

/** CPU from the bytes of a provider's answer to events: HTTP client, decoding, JSON, mapping. Both APIs. */
export async function providerDecoding(): Promise<Figure[]> {
  const figures: Figure[] = []
  for (const api of ['chat', 'responses'] as const) {
    const body = api === 'chat' ? chatBody() : responsesBody()
    const server = createServer((request, response) => {
      request.resume()
      response.writeHead(200, { 'content-type': 'text/event-stream' })
      for (let i = 0; i < body.length; i += chunksARead) response.write(body.slice(i, i + chunksARead).join(''))
      response.end()
    })
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    const baseURL = `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`
    const provider = openaiProvider({ apiKey: 'bench', baseURL, api, idleMs: 10_000 })
    const answer = async () => {
      const { body: stream } = await fetch(`${baseURL}/chat/completions`, { method: 'POST', body: '{}' })
      return stream!
    }
    const costs: number[] = []
    const transport: number[] = []
    for (let round = 0; round < 7; round++) {
      let before = process.cpuUsage()
      for await (const bytes of await answer()) void bytes
      transport.push(spent(before))
      before = process.cpuUsage()
      let deltas = 0
      for await (const event of provider(
        { model: 'bench', prompt: [{ role: 'user', text: 'go' }] },
        new AbortController().signal,
      )) {
        if (event.type === 'delta') deltas += 1
      }
      costs.push(spent(before))
      if (deltas < chunks * 0.9) throw new Error(`only ${deltas} deltas came of ${chunks} chunks`)
    }
    // The server of the bench runs in this process too: what reading the same bytes costs is taken off.
    figures.push({
      name: `decoding a chunk, ${api}`,
      value: (median(costs) - median(transport)) / chunks,
      unit: 'µs',
      bound: 5,
    })
    server.closeAllConnections()
    server.close()
  }
  return figures
}

function spent(before: NodeJS.CpuUsage): number {
  const { user, system } = process.cpuUsage(before)
  return user + system
}

function chatBody(): string[] {
  const list = Array.from(
    { length: chunks },
    (_, i) =>
      `data: ${JSON.stringify({
        id: 'chatcmpl-bench',
        object: 'chat.completion.chunk',
        created: 1_800_000_000,
        model: 'bench',
        system_fingerprint: 'fp_1',
        choices: [{ index: 0, delta: { content: token(i) }, logprobs: null, finish_reason: null }],
      })}\n\n`,
  )
  return [
    ...list,
    'data: {"id":"chatcmpl-bench","object":"chat.completion.chunk","choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}\n\n',
    'data: [DONE]\n\n',
  ]
}

function responsesBody(): string[] {
  let sequence = 0
  const event = (type: string, fields: object) =>
    `event: ${type}\ndata: ${JSON.stringify({ type, sequence_number: sequence++, ...fields })}\n\n`
  const item = { id: 'msg_1', type: 'message', role: 'assistant' }
  const part = { type: 'output_text', text: '', annotations: [] }
  return [
    event('response.created', { response: { id: 'resp_1', status: 'in_progress', output: [] } }),
    event('response.output_item.added', { output_index: 0, item: { ...item, status: 'in_progress', content: [] } }),
    event('response.content_part.added', { item_id: 'msg_1', output_index: 0, content_index: 0, part }),
    ...Array.from({ length: chunks }, (_, i) =>
      event('response.output_text.delta', {
        item_id: 'msg_1',
        output_index: 0,
        content_index: 0,
        delta: token(i),
        logprobs: [],
      }),
    ),
    event('response.output_item.done', { output_index: 0, item: { ...item, status: 'completed', content: [part] } }),
    event('response.completed', { response: { id: 'resp_1', status: 'completed', output: [] } }),
  ]
}
