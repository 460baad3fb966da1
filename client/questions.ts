import type { FileBlock, JsonObject, Message } from '../shared/schema.ts'
import type { ChatMessage } from './tree.ts'

/** What a person asked, whole. */
export interface Question {
  readonly text: string
  /** `name, mimeType, url, size?` each. */
  readonly files: readonly JsonObject[]
}

/** What `client.questions` has. */
export interface Questions {
  /** What of it is here now; `undefined` where it has to be read. */
  known(message: ChatMessage): Question | undefined
  /** Throws what the server says; the next call asks again. */
  read(message: ChatMessage): Promise<Question>
}

/**
 * User messages as they were sent. A chat lists long ones `shortened`; those
 * are read, each once while its entry in the chat is the same.
 */
export class KnownQuestions implements Questions {
  readonly #readMessage: (id: string) => Promise<Message>
  readonly #read = new WeakMap<ChatMessage, Question>()

  constructor(readMessage: (id: string) => Promise<Message>) {
    this.#readMessage = readMessage
  }

  known(message: ChatMessage): Question | undefined {
    if (!message.shortened) return { text: message.text ?? '', files: message.files ?? [] }
    return this.#read.get(message)
  }

  async read(message: ChatMessage): Promise<Question> {
    if (!this.known(message)) {
      const { output } = await this.#readMessage(message.id)
      // Who else has asked for it meanwhile has the same.
      if (!this.#read.has(message))
        this.#read.set(message, {
          text: output.map((block) => (block.type === 'text' ? block.text : '')).join(''),
          files: output.filter((block) => block.type === 'file').map(shownFile),
        })
    }
    return this.known(message)!
  }
}

function shownFile({ name, mimeType, url, size }: FileBlock): JsonObject {
  return { name, mimeType, url, ...(size !== undefined && { size }) }
}
