import { setImmediate } from 'node:timers/promises'

/** Work on a text that somebody else wrote may hold the event loop for so long; the next piece waits until others had their turn. */
const maxHoldMs = 10

/**
 * One long piece of work, done bit by bit. Between two bits it asks whether it
 * is time to let others work:
 *
 *     const pause = breath.due()
 *     if (pause) await pause
 *
 * What lies behind the pause may have changed meanwhile.
 */
export class Breath {
  #since = performance.now()

  /** A promise of the next turn of the event loop; undefined while there is time. */
  due(): Promise<void> | undefined {
    return performance.now() - this.#since < maxHoldMs ? undefined : this.#pause()
  }

  async #pause(): Promise<void> {
    await setImmediate()
    this.#since = performance.now()
  }
}
