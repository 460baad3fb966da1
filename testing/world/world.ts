import type { RunnelOptions } from '../../server/index.ts'
import type { Role } from '../../shared/protocol.ts'
import { startLine } from '../line.ts'
import { requestLine, startFakeOpenAI, type FakeOpenAI, type FakeOpenAIOptions } from '../openai/index.ts'
import { startRunnel, type StartedRunnel } from '../runnel.ts'
import { nameOf, WorldChat, type CallAs } from './chat.ts'
import { countOpen, whatStaysOpen, type OpenCount } from './left-open.ts'
import { Viewer, type ViewerWorld } from './viewer.ts'
import { transports, type ViewerTransport } from './view.ts'

/** Settings and options of the server, but for what a world has of its own. */
export interface WorldOptions extends Omit<RunnelOptions, 'authenticate'> {
  /** How its fake provider is; see `startFakeOpenAI`. */
  fake?: FakeOpenAIOptions
  /** Whether the end of the last world looks for servers, sockets and timers that are left in this process. Default: true. */
  leftOpen?: boolean
}

export interface ViewerOptions {
  /** Who looks. Default: the owner of the chat. null: somebody who has not signed in. */
  as?: string | null
  /**
   * What they are in the chat: somebody who is no member is made a viewer of it first. null: they come as they are, to be
   * refused.
   */
  role?: Exclude<Role, 'owner'> | null
  /** Default: `ws`. */
  transport?: ViewerTransport
}

/** A session over HTTP that another took the place of is gone in two seconds (H8). */
const leftOpenMs = 3_000
/** Worlds of one process that have not ended, and what was open before the first of them. */
let worlds = 0
let before: OpenCount = new Map()

/**
 * A server, a fake provider behind it, and people: all that a test of a product needs, on free ports of this machine, in
 * memory. Somebody's token is their name. At its end it throws what is wrong by then: what the provider was expected to be
 * asked and was not, runs that still go, connections that nobody closed.
 */
export async function startWorld(options: WorldOptions = {}): Promise<World> {
  const { fake: fakeOptions, leftOpen = true, ...settings } = options
  if (worlds === 0) before = countOpen()
  worlds += 1
  let fake: FakeOpenAI | undefined
  try {
    fake = await startFakeOpenAI(fakeOptions)
    const server = await startRunnel({
      OPENAI_BASE_URL: fake.url,
      OPENAI_API_KEY: 'test',
      authenticate: (token) => (token === undefined ? null : { id: token, name: nameOf(token) }),
      ...settings,
    })
    return new World(server, fake, leftOpen)
  } catch (error) {
    worlds -= 1
    await fake?.close()
    throw error
  }
}

export class World implements AsyncDisposable {
  readonly url: string
  readonly server: StartedRunnel
  readonly fake: FakeOpenAI
  readonly #looksForLeft: boolean
  readonly #viewers = new Set<Viewer>()
  readonly #chatOf = new Map<string, WorldChat>()
  #closed: Promise<void> | null = null

  constructor(server: StartedRunnel, fake: FakeOpenAI, looksForLeft: boolean) {
    this.url = server.url
    this.server = server
    this.fake = fake
    this.#looksForLeft = looksForLeft
  }

  /** Calls the API as somebody: JSON in, JSON out. Throws where it is refused, with what the server says. */
  readonly call: CallAs = async (as, method, path, body) => {
    const { status, body: answered } = await this.#asked(as, method, path, body)
    if (status >= 400) throw new Error(`${method} ${path} as ${as} answered ${status}: ${JSON.stringify(answered)}`)
    return answered
  }

  /** Makes a chat. `members`: who else is in it. */
  async chat({
    as = 'ada',
    title,
    members = {},
  }: {
    as?: string
    title?: string
    members?: Readonly<Record<string, Exclude<Role, 'owner'>>>
  } = {}): Promise<WorldChat> {
    const { id } = await this.call(as, 'POST', '/api/chats', title === undefined ? {} : { title })
    const chat = new WorldChat(id as string, as, this.call, ({ messageId, userMessageId }) => {
      this.#chatOf.set(messageId, chat).set(userMessageId, chat)
    })
    for (const [person, role] of Object.entries(members)) await chat.invite(person, role)
    return chat
  }

  /** Looks at a message, and waits for its first state. Throws where it is refused. */
  async viewer(messageId: string, options: ViewerOptions = {}): Promise<Viewer> {
    const chat = this.#chatOf.get(messageId)
    const { as = chat?.as ?? 'ada', role, transport = 'ws' } = options
    if (!transports.includes(transport))
      throw new TypeError(`There is no transport ${JSON.stringify(transport)}: ${transports.join(', ')}.`)
    if (chat && as !== null && as !== chat.as && role !== null) await this.#admit(chat, as, role)
    return await this.#look({ messageId, as, transport })
  }

  #asked(as: string | null, method: string, path: string, body?: unknown): ReturnType<StartedRunnel['call']> {
    return this.server.call(method, path, body, as === null ? {} : { authorization: `Bearer ${as}` })
  }

  async #admit(chat: WorldChat, person: string, role: Exclude<Role, 'owner'> | undefined): Promise<void> {
    const { status } = await this.#asked(person, 'GET', `/api/chats/${chat.id}`)
    if (role !== undefined || status === 404 || status === 403) await chat.invite(person, role ?? 'viewer')
  }

  async #look({
    messageId,
    as,
    transport,
  }: {
    messageId: string
    as: string | null
    transport: ViewerTransport
  }): Promise<Viewer> {
    const line = await startLine(this.url)
    const seen: ViewerWorld = {
      read: async (messageId, as) => {
        const { status, body } = await this.#asked(as, 'GET', `/api/messages/${messageId}`)
        return status === 200 ? body : null
      },
      asked: () => this.fake.requests.map((request, i) => `${i + 1}. ${requestLine(request)}`),
      another: (target) => this.#look(target),
    }
    const viewer = new Viewer({ messageId, as, transport, line }, seen)
    this.#viewers.add(viewer)
    try {
      return await viewer.there()
    } catch (error) {
      await viewer.close()
      throw error
    }
  }

  /** Closes all that it has. Throws what is wrong by then; safe to call twice. */
  close(): Promise<void> {
    this.#closed ??= this.#close()
    return this.#closed
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }

  async #close(): Promise<void> {
    for (const viewer of this.#viewers) await viewer.close()
    const faults: string[] = await this.#leftInServer()
    try {
      this.fake.done()
    } catch (error) {
      faults.push((error as Error).message)
    }
    try {
      await this.server.close()
    } finally {
      await this.fake.close()
      worlds -= 1
    }
    if (worlds === 0 && this.#looksForLeft)
      faults.push(...(await whatStaysOpen(before, leftOpenMs)).map((words) => `Left open in this process: ${words}.`))
    if (faults.length > 0)
      throw new Error(`The world did not end well.\n${faults.map((words) => `- ${words}`).join('\n')}`)
  }

  /** Its own viewers are gone: what is still there is the test's. */
  async #leftInServer(): Promise<string[]> {
    const deadline = performance.now() + leftOpenMs
    for (;;) {
      const { connections, eventStreams, runs } = this.server.runnel.stats()
      const going = Object.entries(runs).filter(([, count]) => count > 0)
      const faults = [
        ...going.map(([status, count]) => `${count} × a run is ${status}: end it, or stop it.`),
        ...(connections > 0 ? [`${connections} × a connection is open that nobody closed.`] : []),
        ...(eventStreams > 0 ? [`${eventStreams} × an event stream is open that nobody closed.`] : []),
      ]
      if (faults.length === 0 || performance.now() > deadline) return faults
      await new Promise((resolve) => setTimeout(resolve, 5))
    }
  }
}
