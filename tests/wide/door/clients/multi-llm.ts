/** multi-llm-ts: what has no id belongs to the call that began last. */
import { load } from './load.ts'
import { apiKey, observe, question, type DoorClient } from './observed.ts'

export const multiLlm: DoorClient = {
  name: 'multi-llm-ts',
  asksAgain: true,
  ask: async ({ baseURL, model, tools }) =>
    await observe(async (observed) => {
      const { igniteEngine, Message, Plugin } = await load('multi-llm-ts')
      class Recorder extends Plugin {
        readonly #name: string
        constructor(name: string) {
          super()
          this.#name = name
        }
        getName(): string {
          return this.#name
        }
        getDescription(): string {
          return this.#name
        }
        getRunningDescription(): string {
          return this.#name
        }
        getParameters(): unknown[] {
          return [{ name: 'x', type: 'string', description: 'x', required: false }]
        }
        isEnabled(): boolean {
          return true
        }
        async execute(_context: unknown, args: unknown): Promise<unknown> {
          observed.calls.push({ name: this.#name, arguments: args })
          return 'done'
        }
      }
      const engine = igniteEngine('openai', { apiKey, baseURL })
      for (const { name } of tools) engine.addPlugin(new Recorder(name))
      const chat = engine.buildModel(model)
      Object.assign(chat.capabilities, { tools: true })
      for await (const chunk of engine.generate(chat, [new Message('user', question)], { tools: true }))
        if (chunk.type === 'content') observed.text += chunk.text
    }),
}
