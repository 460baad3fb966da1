import { readParts } from './ai-sdk.ts'
import { load } from './load.ts'
import { anyObject, apiKey, observe, question, type DoorClient } from './observed.ts'

export const mastra: DoorClient = {
  name: 'Mastra',
  ask: async ({ baseURL, model, tools }) =>
    await observe(async (observed) => {
      const { Agent } = await load('@mastra/core/agent')
      const { createOpenAI } = await load('@ai-sdk/openai')
      const { jsonSchema } = await load('ai')
      observed.reasoning = ''
      const agent = new Agent({
        id: 'door',
        name: 'door',
        instructions: 'Answer.',
        model: createOpenAI({ baseURL, apiKey }).chat(model),
        maxRetries: 0,
      })
      const { fullStream } = await agent.stream(question, {
        maxSteps: 1,
        // Tools of the caller's own: their calls are handed back.
        clientTools: Object.fromEntries(
          tools.map(({ name }) => [name, { id: name, description: name, inputSchema: jsonSchema(anyObject) }]),
        ),
      })
      const parts = (async function* () {
        for await (const { type, payload = {} } of fullStream)
          yield { ...payload, type, input: payload.args, finishReason: payload.stepResult?.reason }
      })()
      await readParts(parts, observed)
    }),
}
