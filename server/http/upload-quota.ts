import { RunnelError } from '../../shared/errors.ts'
import type { Store } from '../store/store.ts'

/** How many files of a user may be there that no message has. Those that are being sent count as if they were. */
export class UploadQuota {
  readonly #store: Pick<Store, 'unattachedFiles'>
  readonly #perUser: number
  readonly #underWay = new Map<string, number>()

  constructor(store: Pick<Store, 'unattachedFiles'>, perUser: number) {
    this.#store = store
    this.#perUser = perUser
  }

  /** Counts one more; call what it returns when the file is stored, or is not to be. Throws `rate_limited`, `store_unavailable`. */
  async take(userId: string): Promise<() => void> {
    this.#count(userId, 1)
    const leave = () => this.#count(userId, -1)
    try {
      const others = this.#underWay.get(userId)! - 1 + (await this.#store.unattachedFiles(userId))
      if (others < this.#perUser) return leave
    } catch (error) {
      leave()
      throw error
    }
    leave()
    throw new RunnelError(
      'rate_limited',
      `${this.#perUser} of your files wait for a message; send them with one, or try again tomorrow: they go after a day (RUNNEL_MAX_UNATTACHED_FILES).`,
    )
  }

  #count(userId: string, change: 1 | -1): void {
    const count = (this.#underWay.get(userId) ?? 0) + change
    if (count > 0) this.#underWay.set(userId, count)
    else this.#underWay.delete(userId)
  }
}
