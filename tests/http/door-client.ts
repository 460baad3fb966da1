/** The official SDK in front of a server, a fake provider behind it. */
import OpenAI from 'openai'
import type {
  ChatCompletionChunk,
  ChatCompletionFunctionTool,
  ChatCompletionMessageParam,
} from 'openai/resources/chat/completions'
import { startWithFake } from './server.ts'

type Request = Partial<OpenAI.ChatCompletionCreateParamsStreaming>
type Options = OpenAI.RequestOptions

export async function startDoor(...settings: Parameters<typeof startWithFake>) {
  const { server, fake } = await startWithFake(...settings)
  return { server, fake, client: doorClient(server.url) }
}

/** One attempt each, unless the options say otherwise. */
export function doorClient(url: string, options: ConstructorParameters<typeof OpenAI>[0] = {}): OpenAI {
  return new OpenAI({ apiKey: 'any', baseURL: `${url}/v1`, maxRetries: 0, ...options })
}

export function user(content: string): ChatCompletionMessageParam[] {
  return [{ role: 'user', content }]
}

export function tool(name: string): ChatCompletionFunctionTool {
  return {
    type: 'function',
    function: { name, description: `The tool ${name}.`, parameters: { type: 'object', properties: {} } },
  }
}

/** A stream read to its end. */
export async function streamDoor(
  client: OpenAI,
  request: Request = {},
  options: Options = {},
): Promise<{ chunks: ChatCompletionChunk[]; response: Response }> {
  const { data, response } = await client.chat.completions
    .create({ model: 'm', messages: user('Hi'), ...request, stream: true }, options)
    .withResponse()
  const chunks: ChatCompletionChunk[] = []
  for await (const chunk of data) chunks.push(chunk)
  return { chunks, response }
}

/** Its text and its message. */
export async function whole(client: OpenAI, options: Options = {}): Promise<{ text: string; messageId: string }> {
  const { chunks, response } = await streamDoor(client, {}, options)
  return {
    text: chunks.map(({ choices }) => choices[0]?.delta.content ?? '').join(''),
    messageId: response.headers.get('x-runnel-message-id')!,
  }
}
