import { load } from './load.ts'
import { anyObject, apiKey, observe, question, type DoorClient } from './observed.ts'

export const langChain: DoorClient = {
  name: 'LangChain',
  ask: async ({ baseURL, model, tools }) =>
    await observe(async (observed) => {
      const { ChatOpenAI } = await load('@langchain/openai')
      const chat = new ChatOpenAI({ model, apiKey, maxRetries: 0, configuration: { baseURL } })
      const bound =
        tools.length > 0
          ? chat.bindTools(tools.map(({ name }) => ({ type: 'function', function: { name, parameters: anyObject } })))
          : chat
      let whole: any
      for await (const chunk of await bound.stream(question)) whole = whole ? whole.concat(chunk) : chunk
      observed.text = typeof whole?.content === 'string' ? whole.content : JSON.stringify(whole?.content ?? '')
      observed.finish = whole?.response_metadata?.finish_reason ?? null
      observed.calls = (whole?.tool_calls ?? []).map(({ name, args }: any) => ({ name, arguments: args }))
    }),
}
