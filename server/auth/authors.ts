import { createHmac, randomBytes } from 'node:crypto'
import type { By } from '../../shared/by.ts'
import type { Store } from '../store/store.ts'
import type { User } from './auth.ts'
import { isReservedId } from './user.ts'

/**
 * What users are called in the documents of a chat, and what its guests are told instead of members' ids, which may be
 * addresses of mail or numbers of a directory: the same for the same user of a chat, on every node and for ever, and
 * nobody can guess back from it. Ids that the server itself gives say nothing, and stay.
 */
export class Authors {
  readonly #readKey: () => Promise<string>
  #key: string | undefined
  #reading: Promise<void> | undefined

  /** @param store keeps the key; without one it ends with this object. */
  constructor(store?: Pick<Store, 'aliasKey'>) {
    this.#readKey = store ? () => store.aliasKey() : () => Promise.resolve(randomBytes(32).toString('hex'))
  }

  /** The key is here: what is done at once, `idOf`, comes after this. Throws `store_unavailable`. */
  async ready(): Promise<void> {
    if (this.#key !== undefined) return
    this.#reading ??= this.#readKey()
      .then((key) => void (this.#key = key))
      .finally(() => (this.#reading = undefined))
    await this.#reading
  }

  /** Throws before `ready`. */
  idOf(chatId: string, userId: string): string {
    if (isReservedId(userId)) return userId
    if (this.#key === undefined) throw new Error('The names of users in chats are not known yet.')
    return `member:${createHmac('sha256', this.#key).update(`${chatId} ${userId}`).digest('base64url').slice(0, 20)}`
  }

  /** Throws `store_unavailable`. */
  async by(chatId: string, { id, name }: User): Promise<By> {
    if (!isReservedId(id)) await this.ready()
    return { id: this.idOf(chatId, id), name }
  }
}
