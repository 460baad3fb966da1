/** The official SDK: chunk by chunk, its own accumulator with parsed tools, and the runner of tools. */
import { load } from './load.ts'
import {
  anyObject,
  apiKey,
  observe,
  question,
  type Asked,
  type AskedTool,
  type DoorClient,
  type Observed,
} from './observed.ts'

const messages = [{ role: 'user', content: question }]

export function openaiClients(major: 4 | 5 | 6 | 7): DoorClient[] {
  const library = major === 7 ? 'openai' : `openai${major}`
  const open = async (baseURL: string) => {
    const { default: OpenAI } = await load(library, 'project')
    const client = new OpenAI({ baseURL, apiKey, maxRetries: 0 })
    // The accumulator and the runner stood under `beta` at first.
    return { client, runner: client.chat.completions.stream ? client.chat.completions : client.beta.chat.completions }
  }
  return [
    { name: `openai ${major}`, ask: async (asked) => await chunks(await open(asked.baseURL), asked) },
    {
      name: `openai ${major} .stream()`,
      ask: async (asked) => await accumulated(await open(asked.baseURL), asked, library),
    },
    {
      name: `openai ${major} .runTools()`,
      asksAgain: true,
      ask: async (asked) => await ranTools(await open(asked.baseURL), asked),
    },
  ]
}

async function chunks({ client }: any, { model, tools }: Asked): Promise<Observed> {
  return await observe(async (observed) => {
    const stream = await client.chat.completions.create({
      model,
      messages,
      stream: true,
      ...(tools.length > 0 && {
        tools: tools.map(({ name }) => ({ type: 'function', function: { name, parameters: anyObject } })),
      }),
    })
    const calls: { name: string; arguments: string }[] = []
    Object.assign(observed, { reasoning: '', refusal: '', finish: null })
    for await (const { choices } of stream) {
      for (const { index, delta, finish_reason: reason } of choices) {
        // Only the first choice of several is one.
        if (index) continue
        if (typeof delta?.content === 'string') observed.text += delta.content
        observed.reasoning += delta?.reasoning_content ?? ''
        observed.refusal += delta?.refusal ?? ''
        for (const fragment of delta?.tool_calls ?? []) {
          const call = (calls[fragment.index] ??= { name: '', arguments: '' })
          call.name = fragment.function?.name || call.name
          call.arguments += fragment.function?.arguments ?? ''
        }
        if (reason) observed.finish = reason
      }
    }
    observed.calls = calls.filter(Boolean)
  })
}

async function accumulated({ runner }: any, { model, tools }: Asked, library: string): Promise<Observed> {
  return await observe(async (observed) => {
    const stream = runner.stream({
      model,
      messages,
      ...(tools.length > 0 && { tools: await zodTools(library, tools) }),
    })
    const {
      choices: [choice],
    } = await stream.finalChatCompletion()
    observed.text = choice.message.content ?? ''
    observed.refusal = choice.message.refusal ?? ''
    observed.finish = choice.finish_reason
    observed.calls = (choice.message.tool_calls ?? []).map(({ function: called }: any) => ({
      name: called.name,
      arguments: called.parsed_arguments ?? called.arguments,
    }))
  })
}

async function ranTools({ runner }: any, { model, tools }: Asked): Promise<Observed> {
  return await observe(async (observed) => {
    const run = runner.runTools({
      model,
      messages,
      stream: true,
      tools: tools.map(({ name }) => ({
        type: 'function',
        function: {
          name,
          description: name,
          parameters: anyObject,
          parse: (text: string) => JSON.parse(text || '{}') as unknown,
          function: (args: unknown) => {
            observed.calls.push({ name, arguments: args })
            return 'done'
          },
        },
      })),
    })
    run.on('message', ({ role, content }: any) => {
      if (role === 'assistant') observed.text += content ?? ''
    })
    await run.finalContent()
  })
}

export async function zodTools(library: string, tools: readonly AskedTool[]): Promise<unknown[]> {
  const { zodFunction } = await load(`${library}/helpers/zod`, 'project')
  const { z } = await load(library === 'openai4' || library === 'openai5' ? 'zod/v3' : 'zod', 'project')
  return tools.map(({ name, keys }) =>
    zodFunction({ name, parameters: z.object(Object.fromEntries(keys.map((key) => [key, z.any()]))) }),
  )
}
