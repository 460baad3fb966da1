/** A chat of three people, driven by sentences, with a model that answers when the test says so. */
import { isDeepStrictEqual } from 'node:util'
import { expect } from 'vitest'
import { RunnelError } from '../../shared/errors.ts'
import { isTerminal, type Chat, type Message, type WaitingEntry } from '../../shared/schema.ts'
import type { Provider } from '../../server/provider/events.ts'
import type { Collected, Collector, StartedRunnel } from '../../testing/index.ts'
import { Person, tokenOf } from './people.ts'

/** Answers that have begun and not ended: by question, oldest first. */
export class HeldModel {
  readonly open = new Map<string, ((end: 'ends' | 'fails') => void)[]>()
  readonly asked: string[] = []

  readonly provider: Provider = (request, signal) => this.#answer(request.prompt, signal)

  async *#answer(prompt: Parameters<Provider>[0]['prompt'], signal: AbortSignal): ReturnType<Provider> {
    // Who goes on with an answer says so in more words.
    const question = prompt.findLast((item) => item.role === 'user' && item.text.length < 5)!.text
    this.asked.push(question)
    yield { type: 'block_start', key: 't', block: { type: 'text', status: 'in_progress' } }
    yield { type: 'delta', key: 't', field: 'text', text: `About ${question}` }
    const { promise, resolve, reject } = Promise.withResolvers<'ends' | 'fails'>()
    const open = this.open.get(question) ?? []
    this.open.set(question, [...open, resolve])
    signal.addEventListener('abort', () => reject(signal.reason as Error), { once: true })
    try {
      if ((await promise) === 'fails') throw new RunnelError('provider_error', 'It has failed.')
    } finally {
      this.open.set(
        question,
        this.open.get(question)!.filter((other) => other !== resolve),
      )
    }
    yield { type: 'finish', reason: 'stop' }
  }

  get size(): number {
    return [...this.open.values()].reduce((sum, { length }) => sum + length, 0)
  }
}

export class SharedChat {
  readonly people: Record<string, Person>
  readonly id: string
  readonly #model: HeldModel
  readonly #copy: Collected

  private constructor(id: string, people: Record<string, Person>, model: HeldModel, copy: Collected) {
    this.id = id
    this.people = people
    this.#model = model
    this.#copy = copy
  }

  static async open(server: StartedRunnel, viewer: Collector, model: HeldModel): Promise<SharedChat> {
    const [ada, bob, cyd] = await Promise.all(
      ['ada', 'bob', 'cyd'].map(async (name) => new Person(server, await tokenOf(name))),
    )
    const { id } = (await ada!.call('POST', '/api/chats', {})).body
    for (const userId of ['bob', 'cyd'])
      await ada!.call('POST', `/api/chats/${id}/members`, { userId, name: userId, role: 'editor' })
    const [copy] = await viewer.follow(id)
    return new SharedChat(id, { ada: ada!, bob: bob!, cyd: cyd! }, model, copy!)
  }

  get path(): string {
    return `/api/chats/${this.id}`
  }

  get listed(): WaitingEntry[] {
    return ((this.#copy.json as Chat).chat.waiting ?? []) as WaitingEntry[]
  }

  async history(): Promise<Message[]> {
    return (await this.people['ada']!.call('GET', `${this.path}/messages?limit=200`)).body.items
  }

  async waiting(): Promise<WaitingEntry[]> {
    return (await this.people['ada']!.call('GET', `${this.path}/waiting`)).body.items
  }

  /** `ada queues 2`, `1 ends`, `cyd removes 2: 404`. */
  async step(sentence: string): Promise<void> {
    const [words = '', status] = sentence.split(': ')
    const [who = '', verb = '', what = '', relation, other = ''] = words.split(' ')
    if (verb === 'ends' || verb === 'fails') this.#model.open.get(who)![0]!(verb)
    else {
      const answer = await this.#call(this.people[who]!, verb, what, relation, other)
      const expected = status === undefined ? 200 : Number(status)
      if (status === undefined ? answer.status >= 300 : answer.status !== expected)
        throw new Error(`${sentence}: ${answer.status} ${JSON.stringify(answer.body)}`)
    }
    await this.settled(sentence)
  }

  async #call(person: Person, verb: string, what: string, relation: string | undefined, other: string) {
    const waiting = async (text: string) =>
      `${this.path}/waiting/${(await this.waiting()).find((entry) => entry.text === text)?.id ?? `msg_${'0'.repeat(20)}`}`
    const idOf = async (text: string) => (await this.waiting()).find((entry) => entry.text === text)?.id
    const message = async (kind: 'question' | 'answer', text: string) => {
      const messages = await this.history()
      const question = messages.find((one) => one.role === 'user' && textOf(one) === text)!
      const found = kind === 'question' ? question : messages.findLast(({ parentId }) => parentId === question.id)!
      return `/api/messages/${found.id}`
    }
    switch (verb) {
      case 'asks':
        return await person.call('POST', `${this.path}/messages`, { content: what })
      case 'queues':
        return await person.call('POST', `${this.path}/messages`, { content: what, whenBusy: 'queue' })
      case 'interrupts':
        return await person.call('POST', `${this.path}/messages`, { content: what, whenBusy: 'interrupt' })
      case 'stops':
      case 'regenerates':
      case 'continues':
        return await person.call('POST', `${await message('answer', what)}/${verb.slice(0, -1)}`, {})
      case 'edits':
        return await person.call('PATCH', await message('question', what), { content: other })
      case 'deletes':
        return await person.call(
          'DELETE',
          what.startsWith('a') ? await message('answer', what.slice(1)) : await message('question', what),
        )
      case 'changes':
        return await person.call('PATCH', await waiting(what), { content: other })
      case 'moves':
        return await person.call('PATCH', await waiting(what), { [relation!]: await idOf(other) })
      case 'removes':
        return await person.call('DELETE', await waiting(what))
      case 'sends':
        return await person.call('POST', `${await waiting(what)}/send`)
      default:
        throw new Error(`Nobody ${verb}.`)
    }
  }

  /** Every run has begun to answer, nothing waits for what has ended, and the document says what the server does. */
  async settled(after: string): Promise<void> {
    await expect
      .poll(
        async () => {
          const [waiting, messages] = [await this.waiting(), await this.history()]
          const live = messages.filter(({ status }) => !isTerminal(status))
          const json = this.#copy.json as Chat
          return {
            begun:
              live.every(({ status, output }) => status === 'streaming' && output.length > 0) &&
              live.length === this.#model.size,
            taken: waiting.every(({ refused }) => refused) || live.length > 0,
            waiting: isDeepStrictEqual(json.chat.waiting ?? [], waiting),
            messages: messages.every(
              ({ id, status }) => statusOf(json, id) === (isTerminal(status) ? status : 'streaming'),
            ),
            gone: Object.keys(json.messages).length === messages.length,
          }
        },
        { timeout: 10_000, interval: 5, message: after },
      )
      .toEqual({ begun: true, taken: true, waiting: true, messages: true, gone: true })
  }

  /** `1:completed 2<1:stopped,completed | 3`: each question, what it answers, how its answers stand; then what waits. */
  async summary(): Promise<string> {
    const messages = await this.history()
    const byId = new Map(messages.map((message) => [message.id, message]))
    const answersTo = (id: string) =>
      messages.filter((message) => message.role === 'assistant' && message.parentId === id)
    const nameOf = (id: string): string => {
      const message = byId.get(id)!
      if (message.role === 'user') return `q${textOf(message)}`
      const place = answersTo(message.parentId!).indexOf(message)
      return textOf(byId.get(message.parentId!)!) + "'".repeat(place)
    }
    const lines = messages
      .filter(({ role }) => role === 'user')
      .map((question) => {
        const answers = answersTo(question.id).map(({ status }) => status)
        return `${textOf(question)}${question.parentId === null ? '' : `<${nameOf(question.parentId)}`}:${answers.join(',')}`
      })
    const waiting = (await this.waiting()).map(({ text, refused }) => text + (refused ? '!' : ''))
    return [...lines, ...(waiting.length > 0 ? ['|', ...waiting] : [])].join(' ')
  }
}

export function textOf({ output }: Message): string {
  return output.map((block) => (block.type === 'text' ? block.text : '')).join('')
}

function statusOf(chat: Chat, id: string): string | undefined {
  return chat.messages[id]?.status
}
