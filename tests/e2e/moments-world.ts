/** A run with all that a run can have, carried on step by step: each step ends at a moment that a person could choose. */
import { z } from 'zod'
import type { RunContext } from '../../server/extension/context.ts'
import type { Filter } from '../../server/extension/filter.ts'
import { defineTool } from '../../server/extension/tool.ts'
import type { Block, Message } from '../../shared/schema.ts'
import {
  Collector,
  startFakeOpenAI,
  startRunnel,
  type Collected,
  type FakeOpenAI,
  type ManualStream,
  type StartedRunnel,
} from '../../testing/index.ts'

/** Where the work of one run waits for the test. */
class Gates {
  readonly signals: AbortSignal[] = []
  /** Tools and filters that have begun and not returned: deaf as they are, they outlive their run. */
  working = 0
  readonly #gates = new Map<string, PromiseWithResolvers<void>>()
  readonly #reached = new Set<string>()
  #allOpen = false

  async pass(name: string): Promise<void> {
    this.#reached.add(name)
    if (!this.#allOpen) await this.#gate(name).promise
  }

  open(name: string): void {
    this.#gate(name).resolve()
  }

  openAll(): void {
    this.#allOpen = true
    for (const { resolve } of this.#gates.values()) resolve()
  }

  isReached(name: string): boolean {
    return this.#reached.has(name)
  }

  #gate(name: string): PromiseWithResolvers<void> {
    let gate = this.#gates.get(name)
    if (!gate) this.#gates.set(name, (gate = Promise.withResolvers()))
    return gate
  }
}

/** What is told of the end the moment it comes, and writes then. */
function protest(context: RunContext): void {
  context.signal.addEventListener('abort', () => {
    context.append('late')
    context.addSource({ title: 'late' })
    context.progress('late')
    context.addEmbed({ url: 'https://late.example' })
  })
}

/** Lines of output, words of progress, a source and a file, a yes that must come first. None of them heeds its signal. */
function toolsOf(gatesOf: (messageId: string) => Gates) {
  const round = z.object({ round: z.number() })
  const lines = defineTool({
    name: 'lines',
    description: 'Streams.',
    parameters: round,
    async *execute({ round }, context) {
      const gates = gatesOf(context.messageId)
      gates.signals.push(context.signal)
      protest(context)
      gates.working += 1
      try {
        await gates.pass(`lines ${round} begins`)
        yield 'line 1\n'
        await gates.pass(`lines ${round} goes on`)
        yield 'line 2\n'
        await gates.pass(`lines ${round} ends`)
        if (round === 2) throw new Error('The log is gone.')
      } finally {
        gates.working -= 1
      }
    },
  })
  const tool = (
    name: string,
    work: (gates: Gates, round: number, context: Parameters<NonNullable<typeof lines.execute>>[1]) => Promise<string>,
    approval = false,
  ) =>
    defineTool({
      name,
      description: 'Works.',
      parameters: round,
      approval,
      async execute({ round }, context) {
        const gates = gatesOf(context.messageId)
        gates.signals.push(context.signal)
        protest(context)
        gates.working += 1
        try {
          await gates.pass(`${name} ${round} begins`)
          return await work(gates, round, context)
        } finally {
          gates.working -= 1
        }
      },
    })
  return [
    lines,
    tool('search', async (gates, round, context) => {
      context.progress(`page ${round}`)
      await gates.pass(`search ${round} ends`)
      return 'found'
    }),
    tool('gather', async (gates, round, context) => {
      context.addSource({ title: 'A page of a tool', url: 'https://tool.example' })
      await gates.pass(`gather ${round} goes on`)
      await context.addFile({ name: 'table.csv', data: 'a,b\n' })
      await gates.pass(`gather ${round} ends`)
      return 'gathered'
    }),
    tool('pay', async () => 'paid', true),
  ]
}

function rulesOf(gatesOf: (messageId: string) => Gates): Filter {
  const work = async (messageId: string, work: (gates: Gates) => Promise<void>) => {
    const gates = gatesOf(messageId)
    gates.working += 1
    await work(gates).finally(() => {
      gates.working -= 1
    })
  }
  return {
    name: 'rules',
    async inlet(request, context) {
      if (request.model === 'busy') return request
      protest(context)
      await work(context.messageId, async (gates) => {
        await gates.pass('inlet begins')
        context.progress('Searching the web')
        await gates.pass('inlet goes on')
        context.addSource({ title: 'A page', url: 'https://a.example', snippet: 'words' })
        await gates.pass('inlet ends')
      })
      return { ...request, prompt: [{ role: 'system', text: 'Cite.' }, ...request.prompt] }
    },
    async outlet(_message, context) {
      if (context.model === 'busy') return
      await work(context.messageId, async (gates) => {
        await gates.pass('outlet begins')
        context.addSource({ title: 'A last page' })
        await gates.pass('outlet ends')
      })
    },
  }
}

export class MomentsWorld {
  readonly server: StartedRunnel
  readonly fake: FakeOpenAI
  /** The test's own eyes: what it sees has happened. */
  readonly viewer: Collector
  readonly #gates: Map<string, Gates>

  private constructor(server: StartedRunnel, fake: FakeOpenAI, gates: Map<string, Gates>) {
    this.server = server
    this.fake = fake
    this.viewer = new Collector(server.url)
    this.#gates = gates
  }

  static async open(): Promise<MomentsWorld> {
    const fake = await startFakeOpenAI()
    const all = new Map<string, Gates>()
    const gatesOf = (messageId: string) => {
      if (!all.has(messageId)) all.set(messageId, new Gates())
      return all.get(messageId)!
    }
    const server = await startRunnel({
      OPENAI_BASE_URL: fake.url,
      OPENAI_API_KEY: 'key',
      RUNNEL_FLUSH_MS: 2,
      RUNNEL_MAX_TASKS: 1,
      tools: toolsOf(gatesOf),
      filters: [rulesOf(gatesOf)],
    })
    return new MomentsWorld(server, fake, all)
  }

  /** A run that is queued behind another one. */
  async begin(): Promise<MomentsRun> {
    const [busy, ...streams] = [this.fake.manual(), this.fake.manual(), this.fake.manual(), this.fake.manual()] as const
    await this.server.ask('First', { model: 'busy' })
    await busy.request
    const ids = await this.server.ask('Second', { model: 'm' })
    const [copy] = await this.viewer.follow(ids.messageId)
    if (!this.#gates.has(ids.messageId)) this.#gates.set(ids.messageId, new Gates())
    return new MomentsRun(this, ids, copy!, this.#gates.get(ids.messageId)!, busy, streams)
  }

  async close(): Promise<void> {
    await this.viewer.close()
    await this.server.close()
    await this.fake.close()
  }
}

export class MomentsRun {
  readonly world: MomentsWorld
  readonly ids: { chatId: string; messageId: string; taskId: string }
  readonly copy: Collected
  readonly gates: Gates
  readonly busy: ManualStream
  readonly streams: readonly ManualStream[]
  #request = -1

  constructor(
    world: MomentsWorld,
    ids: MomentsRun['ids'],
    copy: Collected,
    gates: Gates,
    busy: ManualStream,
    streams: readonly ManualStream[],
  ) {
    this.world = world
    this.ids = ids
    this.copy = copy
    this.gates = gates
    this.busy = busy
    this.streams = streams
  }

  /** The request to the provider that runs now. */
  get stream(): ManualStream | undefined {
    return this.streams[this.#request]
  }

  get message(): Message {
    return this.copy.message
  }

  async nextRequest(): Promise<void> {
    await this.streams[++this.#request]!.request
    await this.sees((message) => message.status === 'streaming')
  }

  /** A chunk of Chat Completions with this delta. */
  delta(delta: object): void {
    this.stream!.raw(`data: ${JSON.stringify({ choices: [{ index: 0, delta }] })}\n\n`)
  }

  endRequest(reason: 'stop' | 'tool_calls' = 'tool_calls'): void {
    this.stream!.end(reason, { inputTokens: 10, outputTokens: 5 })
  }

  /** Waits until the viewer has this. */
  async sees(condition: (message: Message) => boolean): Promise<void> {
    await this.world.viewer.until(() => condition(this.message), String(condition), 5_000)
  }

  async reaches(...gates: string[]): Promise<void> {
    await this.world.viewer.until(() => gates.every((gate) => this.gates.isReached(gate)), gates.join(), 5_000)
  }

  async end(): Promise<void> {
    await this.world.viewer.toEnd(this.ids.messageId, { compared: true })
  }

  async read(): Promise<Message> {
    return (await this.world.server.call('GET', `/api/messages/${this.ids.messageId}`)).body
  }
}

/** The tool call of this id. */
export function callOf(message: Message, callId: string): Extract<Block, { type: 'tool_call' }> | undefined {
  return message.output.find((block) => block.type === 'tool_call' && block.callId === callId) as
    | Extract<Block, { type: 'tool_call' }>
    | undefined
}
