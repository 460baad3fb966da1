import { RunnelError } from '../../shared/errors.ts'
import type { Role } from '../../shared/protocol.ts'
import { documentKind } from '../../shared/schema.ts'
import type { ChatRow, MessageRow, Store } from '../store/store.ts'
import type { User } from './auth.ts'

/**
 * Who may see what. Knowing an id gives nothing: to a stranger everything is
 * `not_found`, whether it exists or not.
 */
export class Access {
  readonly #store: Store

  constructor(store: Store) {
    this.#store = store
  }

  /** Throws `not_found`. */
  async chat(user: User, chatId: string): Promise<{ chat: ChatRow; role: Role }> {
    const chat = documentKind(chatId) === 'chat' ? await this.#store.getChat(chatId) : null
    if (chat?.ownerId !== user.id) throw notFound('chat')
    return { chat, role: 'owner' }
  }

  /** Throws `not_found`. */
  async message(user: User, messageId: string): Promise<{ message: MessageRow; role: Role }> {
    const message = documentKind(messageId) === 'message' ? await this.#store.getMessage(messageId) : null
    if (!message) throw notFound('message')
    const { role } = await this.chat(user, message.chatId).catch(() => { throw notFound('message') })
    return { message, role }
  }

  /** The right to follow a document. Throws `not_found`, also for a user message: it has no document. */
  async document(user: User, doc: string): Promise<Role> {
    if (documentKind(doc) === 'chat') return (await this.chat(user, doc)).role
    const { message, role } = await this.message(user, doc)
    if (message.role !== 'assistant') throw notFound('document')
    return role
  }
}

function notFound(what: string): RunnelError {
  return new RunnelError('not_found', `There is no such ${what}.`)
}
