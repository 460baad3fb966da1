import type { Message } from '../../shared/schema.ts'
import type { Role } from '../../shared/protocol.ts'

export interface Asked {
  chatId: string
  taskId: string
  messageId: string
  userMessageId: string
}

/** Calls the API as somebody; throws where it is refused. */
export type CallAs = (as: string | null, method: string, path: string, body?: unknown) => Promise<any>

/** A chat of a world. */
export class WorldChat {
  readonly id: string
  /** Its owner. */
  readonly as: string
  readonly #call: CallAs
  readonly #asked: (asked: Asked, chat: WorldChat) => void

  constructor(id: string, as: string, call: CallAs, asked: (asked: Asked, chat: WorldChat) => void) {
    this.id = id
    this.as = as
    this.#call = call
    this.#asked = asked
  }

  /**
   * Asks in it, as its owner or another member. `fields`: what else `POST …/messages` takes. Resolves when the question is
   * taken, not when it is answered. Throws where it is refused.
   */
  async ask(
    content: string,
    { as = this.as, ...fields }: { as?: string; [field: string]: unknown } = {},
  ): Promise<Asked> {
    const asked: Asked = await this.#call(as, 'POST', `/api/chats/${this.id}/messages`, { content, ...fields })
    this.#asked(asked, this)
    return asked
  }

  /** Makes somebody a member, or gives them another role. */
  async invite(person: string, role: Exclude<Role, 'owner'> = 'editor'): Promise<void> {
    await this.#call(this.as, 'POST', `/api/chats/${this.id}/members`, { userId: person, name: nameOf(person), role })
  }

  /** Somebody is no member any more. */
  async remove(person: string): Promise<void> {
    await this.#call(this.as, 'DELETE', `/api/chats/${this.id}/members/${encodeURIComponent(person)}`)
  }

  async stop(messageId: string, { as = this.as }: { as?: string } = {}): Promise<void> {
    await this.#call(as, 'POST', `/api/messages/${messageId}/stop`, {})
  }

  /** A run goes on with an answer that has ended early. */
  async continue(messageId: string, { as = this.as }: { as?: string } = {}): Promise<Asked> {
    return await this.#call(as, 'POST', `/api/messages/${messageId}/continue`, {})
  }

  async message(messageId: string, { as = this.as }: { as?: string } = {}): Promise<Message> {
    return await this.#call(as, 'GET', `/api/messages/${messageId}`)
  }
}

/** `ada` is called Ada. */
export function nameOf(person: string): string {
  return person.slice(0, 1).toUpperCase() + person.slice(1)
}
