import { cleanLine } from '../../shared/line.ts'
import { RunnelError } from '../../shared/errors.ts'
import { wordsOf } from '../../shared/known-types.ts'
import type { Message } from '../../shared/schema.ts'
import type { PromptItem, Provider } from '../provider/events.ts'
import type { Store } from '../store/store.ts'
import { within } from '../waiting/race.ts'
import type { ChatDocuments } from './chat-documents.ts'

export interface TitlesOptions {
  store: Store
  chats: ChatDocuments
  provider: Provider
  /** The model that is asked; null: the one that has answered. */
  model: string | null
  /** Filters look at what models are told: then only what an answer has shown is told here. */
  hasFilters: boolean
  redact: (text: string) => string
  /** A chat has a title now: its members are told. */
  onTitle: (chatId: string, title: string) => Promise<void>
  /** It has none, and waits for the next answer. */
  onFailure: (error: unknown, chatId: string) => void
}

/** So long a model has for a title. */
const maxMs = 30_000
/** So many are asked for at once; a chat more waits for its next answer. */
const maxAtOnce = 8
/** Of a question and of an answer. */
const maxSaidChars = 2_000
const maxTitleChars = 80
/** More is no title. */
const maxHeardChars = 1_000

const instruction =
  'Give the conversation below a title of at most six words, in its own language. Answer with the title alone: one line, no quotation marks, no full stop.'

/** Chats that nobody has given a title get one from a model, behind their first answer. No run: it takes no slot, and ends with the process. */
export class Titles {
  readonly #options: TitlesOptions
  readonly #closing = new AbortController()
  readonly #asking = new Map<string, Promise<void>>()

  constructor(options: TitlesOptions) {
    this.#options = options
  }

  /** An answer has ended. Never rejects. */
  answered(message: Message): void {
    const { chatId, status } = message
    if (status !== 'completed' || this.#closing.signal.aborted) return
    if (this.#asking.has(chatId) || this.#asking.size >= maxAtOnce) return
    const asking = this.#give(message)
      .catch((error: unknown) => {
        if (!this.#closing.signal.aborted) this.#options.onFailure(error, chatId)
      })
      .finally(() => this.#asking.delete(chatId))
    this.#asking.set(chatId, asking)
  }

  async close(): Promise<void> {
    this.#closing.abort()
    await Promise.all(this.#asking.values())
  }

  async #give(message: Message): Promise<void> {
    const { store, redact, onTitle } = this.#options
    const { chatId } = message
    const chat = await store.getChatRow(chatId)
    if (!chat?.untitled || chat.expiresAt !== undefined) return
    const prompt = await this.#prompt(message)
    if (!prompt) return
    const title = titleFrom(redact(await this.#hear(message, prompt)))
    // Somebody may have given one meanwhile: the store says.
    if (title === '' || !(await store.titleChat(chatId, title))) return
    await this.#show(chatId)
    await onTitle(chatId, title)
  }

  async #prompt(answer: Message): Promise<PromptItem[] | null> {
    const { store, hasFilters } = this.#options
    const said = wordsOf(...answer.output).slice(0, maxSaidChars)
    const question = hasFilters || answer.parentId === null ? null : await store.getJson(answer.parentId)
    const asked = question ? wordsOf(...question.output).slice(0, maxSaidChars) : ''
    if (said + asked === '') return null
    const text = [...(asked === '' ? [] : [`Question:\n${asked}`]), `Answer:\n${said}`].join('\n\n').toWellFormed()
    return [
      { role: 'system', text: instruction },
      { role: 'user', text },
    ]
  }

  async #hear(message: Message, prompt: PromptItem[]): Promise<string> {
    const over = new AbortController()
    const signal = AbortSignal.any([this.#closing.signal, over.signal])
    const late = () => new RunnelError('provider_timeout', `The model has given no title within ${maxMs / 1_000} s.`)
    try {
      return await within(maxMs, late, () => this.#ask(message, prompt, signal), this.#closing.signal)
    } finally {
      over.abort()
    }
  }

  /** What the model says, up to a bound. */
  async #ask({ model: answered }: Message, prompt: PromptItem[], signal: AbortSignal): Promise<string> {
    const model = this.#options.model ?? answered
    if (model === undefined) return ''
    let heard = ''
    const texts = new Set<string>()
    for await (const event of this.#options.provider({ model, prompt }, signal)) {
      if (event.type === 'block_start' && event.block.type === 'text') texts.add(event.key)
      else if (event.type === 'block_type') {
        // It turns out to have been thoughts.
        texts.delete(event.key)
        heard = ''
      } else if (event.type === 'delta' && texts.has(event.key)) heard += event.text
      if (heard.length > maxHeardChars) break
    }
    return heard.slice(0, maxHeardChars).toWellFormed()
  }

  /** The document says what the store does, also where somebody gives another title at the same time. */
  async #show(chatId: string): Promise<void> {
    const { store, chats } = this.#options
    for (let shown: string | undefined; ;) {
      const chat = await store.getChatRow(chatId)
      if (!chat || chat.title === shown) return
      shown = chat.title
      const { title } = chat
      await chats.edit(chatId, (writer) => writer.setChat({ title }))
    }
  }
}

/** Without what models put around a title. Empty where there is none. */
export function titleFrom(heard: string): string {
  const line = heard
    .slice(0, maxHeardChars)
    .trim()
    .split(/[\r\n]/, 1)[0]!
  const bare = cleanLine(
    line.replace(/^(title|#+)\s*:?\s*/i, '').replaceAll(/^["'“”„«»‘’*_`\s]+|["'“”„«»‘’*_`\s.。]+$/g, ''),
  )
  if (bare.length <= maxTitleChars) return bare
  const cut = bare.slice(0, maxTitleChars - 1).toWellFormed()
  return `${cut.slice(0, Math.max(cut.lastIndexOf(' '), maxTitleChars / 2)).trimEnd()}…`
}
