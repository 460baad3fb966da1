import { load } from './load.ts'
import { anyObject, apiKey, observe, question, type DoorClient } from './observed.ts'

export const openaiAgents: DoorClient = {
  name: 'OpenAI Agents',
  asksAgain: true,
  ask: async ({ baseURL, model, tools }) =>
    await observe(async (observed) => {
      const { Agent, Runner, tool, OpenAIChatCompletionsModel, setTracingDisabled } = await load('@openai/agents')
      const { default: OpenAI } = await load('openai')
      setTracingDisabled(true)
      const agent = new Agent({
        name: 'door',
        model: new OpenAIChatCompletionsModel(new OpenAI({ baseURL, apiKey, maxRetries: 0 }), model),
        tools: tools.map(({ name }) =>
          tool({
            name,
            description: name,
            parameters: { ...anyObject, required: [] },
            strict: false,
            execute: (args: unknown) => {
              observed.calls.push({ name, arguments: args })
              return 'done'
            },
          }),
        ),
      })
      const result = await new Runner().run(agent, question, { stream: true, maxTurns: 3 })
      for await (const event of result)
        if (event.type === 'raw_model_stream_event' && event.data.type === 'output_text_delta')
          observed.text += event.data.delta
      await result.completed
      if (result.error) throw result.error
    }),
}
