import type { FileBlock, JsonObject, Message } from '../shared/schema.ts'
import type { ChatMessage } from './tree.ts'

/** What a person asked, whole. */
export interface Question {
  readonly text: string
  /** `name, mimeType, url, size?` each. */
  readonly files: readonly JsonObject[]
}

/** So many characters of questions are kept; then the one read longest ago goes. */
const keptChars = 5_000_000

/** What `client.questions` has. */
export interface Questions {
  /** What of it is here now; `undefined` where it has to be read. */
  known(message: ChatMessage): Question | undefined
  /** Throws what the server says; the next call asks again. */
  read(message: ChatMessage): Promise<Question>
}

/**
 * User messages as they were sent. A chat lists long ones `shortened`; those
 * are read over HTTP, each once, since a question never changes.
 */
export class KnownQuestions implements Questions {
  readonly #readMessage: (id: string) => Promise<Message>
  /** Oldest first. */
  readonly #read = new Map<string, Question>()
  readonly #reading = new Map<string, Promise<Question>>()
  #chars = 0

  constructor(readMessage: (id: string) => Promise<Message>) {
    this.#readMessage = readMessage
  }

  known(message: ChatMessage): Question | undefined {
    if (!message.shortened) return { text: message.text ?? '', files: message.files ?? [] }
    return this.#read.get(message.id)
  }

  async read(message: ChatMessage): Promise<Question> {
    const known = this.known(message)
    if (known) return known
    let reading = this.#reading.get(message.id)
    if (!reading) {
      reading = this.#fetch(message.id).finally(() => this.#reading.delete(message.id))
      this.#reading.set(message.id, reading)
    }
    return await reading
  }

  async #fetch(id: string): Promise<Question> {
    const { output } = await this.#readMessage(id)
    const question: Question = {
      text: output.map((block) => (block.type === 'text' ? block.text : '')).join(''),
      files: output.filter((block) => block.type === 'file').map(shownFile),
    }
    this.#keep(id, question)
    return question
  }

  #keep(id: string, question: Question): void {
    this.#read.set(id, question)
    this.#chars += question.text.length
    for (const [oldest, { text }] of this.#read) {
      if (this.#chars <= keptChars || oldest === id) return
      this.#read.delete(oldest)
      this.#chars -= text.length
    }
  }
}

function shownFile({ name, mimeType, url, size }: FileBlock): JsonObject {
  return { name, mimeType, url, ...(size !== undefined && { size }) }
}
