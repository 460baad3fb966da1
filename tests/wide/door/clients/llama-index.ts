/** LlamaIndex: it parses a call as soon as another id begins. */
import { load } from './load.ts'
import { anyObject, apiKey, observe, question, type DoorClient } from './observed.ts'

export const llamaIndex: DoorClient = {
  name: 'LlamaIndex',
  ask: async ({ baseURL, model, tools }) =>
    await observe(async (observed) => {
      const { OpenAI } = await load('@llamaindex/openai', 'project')
      const llm = new OpenAI({ model, apiKey, baseURL, maxRetries: 0 })
      const stream = await llm.chat({
        messages: [{ role: 'user', content: question }],
        stream: true,
        tools: tools.map(({ name }) => ({
          metadata: { name, description: name, parameters: anyObject },
          call: () => 'done',
        })),
      })
      const calls = new Map<string, { name: string; arguments: unknown }>()
      for await (const { delta, options } of stream) {
        observed.text += delta
        for (const { id, name, input } of options?.toolCall ?? [])
          if (typeof input !== 'string') calls.set(id, { name, arguments: input })
      }
      observed.calls = [...calls.values()]
    }),
}
