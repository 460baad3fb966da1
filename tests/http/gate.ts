import { onTestFinished, vi } from 'vitest'
import { Access } from '../../server/auth/access.ts'

/** Holds back the answers of `Access.document`, after it has found them out. */
export class AccessGate {
  #waiting: (() => void)[] = []
  #passing = false
  #arrived = 0

  static close(): AccessGate {
    const gate = new AccessGate()
    const real = Access.prototype.document
    const spy = vi.spyOn(Access.prototype, 'document').mockImplementation(async function (this: Access, ...call) {
      const found = await real.apply(this, call)
      await gate.#pass()
      return found
    })
    onTestFinished(() => spy.mockRestore())
    return gate
  }

  async #pass(): Promise<void> {
    this.#arrived += 1
    if (!this.#passing) await new Promise<void>((resolve) => this.#waiting.push(resolve))
  }

  /** Waits until so many have come. */
  async reached(count: number): Promise<void> {
    await vi.waitFor(
      () => {
        if (this.#arrived < count) throw new Error(`${this.#arrived} of ${count} have come`)
      },
      { timeout: 5_000 },
    )
  }

  /** Who comes from now on is not held. */
  letOthersPass(): void {
    this.#passing = true
  }

  open(): void {
    this.letOthersPass()
    for (const resolve of this.#waiting.splice(0)) resolve()
  }
}
