import { isRunnelError, RunnelError } from '../../shared/errors.ts'
import type { Role } from '../../shared/protocol.ts'
import { documentKind } from '../../shared/schema.ts'
import type { ChatRow, FileRow, MessageRow, Store } from '../store/store.ts'
import type { Identity } from './auth.ts'
import { inviteOfGuest } from './user.ts'
import { Watches, type Watch } from './watch.ts'

/** Each may do what those before it may: read; send, stop and decide; all. */
const ranks: readonly Role[] = ['viewer', 'editor', 'owner']

/**
 * Who may see and do what, by the chat's members. Knowing an id gives nothing:
 * to a stranger everything is `not_found`, whether it exists or not; a member
 * without the right gets `forbidden`.
 */
export class Access {
  readonly #store: Store
  readonly #watches = new Watches()

  constructor(store: Store) {
    this.#store = store
  }

  /** Throws `not_found`, `forbidden`. */
  async chat(identity: Identity, chatId: string, needed: Role = 'viewer'): Promise<{ chat: ChatRow; role: Role }> {
    const role = documentKind(chatId) === 'chat' ? await this.#role(identity, chatId) : null
    const chat = role && (await this.#store.getChatRow(chatId))
    if (!chat) throw notFound('chat')
    if (ranks.indexOf(role) < ranks.indexOf(needed))
      throw new RunnelError('forbidden', `This needs the role ${needed} in this chat; yours is ${role}.`)
    return { chat, role }
  }

  /** Throws `not_found`, `forbidden`; `what` is named in what a stranger gets. */
  async message(
    identity: Identity,
    messageId: string,
    needed: Role = 'viewer',
    what = 'message',
  ): Promise<{ message: MessageRow; role: Role }> {
    const message = documentKind(messageId) === 'message' ? await this.#store.getRow(messageId) : null
    if (!message) throw notFound(what)
    return { message, role: await this.#roleFor(identity, message.chatId, needed, what) }
  }

  /** Throws `not_found`, `forbidden`. */
  async file(identity: Identity, fileId: string, needed: Role = 'viewer'): Promise<{ file: FileRow; role: Role }> {
    const file = await this.#store.getFile(fileId)
    if (!file) throw notFound('file')
    return { file, role: await this.#roleFor(identity, file.chatId, needed, 'file') }
  }

  /** The right to follow a document, and the chat that it belongs to. Throws `not_found`, also for a user message: it has no document. */
  async document(identity: Identity, doc: string): Promise<{ chatId: string; role: Role }> {
    if (documentKind(doc) === 'chat') return { chatId: doc, role: (await this.chat(identity, doc)).role }
    const { message, role } = await this.message(identity, doc)
    if (message.role !== 'assistant') throw notFound('document')
    return { chatId: message.chatId, role }
  }

  /** As `document`, for one who goes on being shown it. The caller closes the watch. Throws as `document`. */
  watchDocument(identity: () => Identity, doc: string): Promise<Watch> {
    return this.#watches.open(() => this.document(identity(), doc))
  }

  /** As `message`, for one who goes on being shown it. The caller closes the watch. Throws as `message`. */
  watchMessage(identity: Identity, messageId: string): Promise<Watch> {
    return this.#watches.open(async () => {
      const { message, role } = await this.message(identity, messageId)
      return { chatId: message.chatId, role }
    })
  }

  /** Who may do what in this chat has changed, or the chat is gone. Resolves when nobody is shown what they may not see. Throws nothing. */
  changed(chatId: string): Promise<void> {
    return this.#watches.changed(chatId)
  }

  /** A stranger to the chat learns nothing of what is in it, nor of the chat. */
  async #roleFor(identity: Identity, chatId: string, needed: Role, what: string): Promise<Role> {
    try {
      return (await this.chat(identity, chatId, needed)).role
    } catch (error) {
      throw isRunnelError(error) && error.code === 'not_found' ? notFound(what) : error
    }
  }

  async #role({ user, invite }: Identity, chatId: string): Promise<Role | null> {
    if (!invite) return await this.#store.memberRole(chatId, user.id)
    if (invite.chatId !== chatId) return null
    // Asked anew each time: a revoked invite is worth nothing from that moment on.
    return (await this.#store.getInvite(invite.id)) ? invite.role : null
  }
}

function notFound(what: string): RunnelError {
  return new RunnelError('not_found', `There is no such ${what}.`)
}

/** Whether somebody who is not calling now may still write in a chat: a member, or a guest by an invite that is good. */
export async function mayStillWrite(
  store: Pick<Store, 'memberRole' | 'getInvite'>,
  userId: string,
  chatId: string,
  now: number,
): Promise<boolean> {
  const inviteId = inviteOfGuest(userId)
  if (inviteId === null) return mayWrite(await store.memberRole(chatId, userId))
  const invite = await store.getInvite(inviteId)
  return invite !== null && invite.chatId === chatId && invite.expiresAt > now && mayWrite(invite.role)
}

function mayWrite(role: Role | null): boolean {
  return role !== null && ranks.indexOf(role) >= ranks.indexOf('editor')
}
