/** The AI SDK: `.chat(model)` of its OpenAI provider, and the provider for whatever is compatible. */
import { load } from './load.ts'
import { anyObject, apiKey, fail, observe, question, type Asked, type DoorClient, type Observed } from './observed.ts'

export const aiSdk: DoorClient = {
  name: 'AI SDK openai.chat()',
  ask: async ({ baseURL, model, tools }) => {
    const { createOpenAI } = await load('@ai-sdk/openai', 'project')
    return await streamed(createOpenAI({ baseURL, apiKey }).chat(model), tools)
  },
}

export const aiSdkCompatible: DoorClient = {
  name: 'AI SDK openai-compatible',
  ask: async ({ baseURL, model, tools }) => {
    const { createOpenAICompatible } = await load('@ai-sdk/openai-compatible')
    return await streamed(createOpenAICompatible({ name: 'runnel', baseURL, apiKey })(model), tools)
  },
}

async function streamed(languageModel: unknown, tools: Asked['tools']): Promise<Observed> {
  const { streamText, tool, jsonSchema } = await load('ai', 'project')
  return await observe(async (observed) => {
    observed.reasoning = ''
    const { fullStream } = streamText({
      model: languageModel,
      prompt: question,
      maxRetries: 0,
      onError: () => {},
      tools: Object.fromEntries(tools.map(({ name }) => [name, tool({ inputSchema: jsonSchema(anyObject) })])),
    })
    await readParts(fullStream, observed)
  })
}

export async function readParts(stream: AsyncIterable<any>, observed: Observed): Promise<void> {
  for await (const part of stream) {
    if (part.type === 'text-delta') observed.text += part.text
    if (part.type === 'reasoning-delta') observed.reasoning += part.text
    if (part.type === 'tool-call') observed.calls.push({ name: part.toolName, arguments: part.input })
    if (part.type === 'finish') observed.finish = part.finishReason
    if (part.type === 'error') fail(observed, part.error)
  }
}
