import { later } from './later.ts'
import { turn } from './real-time.ts'
import { checkStep, type Step } from './script.ts'

type Next = Step | null | 'stopped'

/** Steps that can be gone through once have been. */
const used = new WeakSet<object>()

/** Goes through the steps of a script until it is told to stop. */
export class StepReader {
  readonly #iterator: Iterator<Step> | AsyncIterator<Step>
  readonly #stop: AbortSignal
  readonly #onStop = () => this.#stopped()
  #stopped = (): void => {}
  #first: Promise<Next> | null = null
  #isOver = false

  constructor(steps: Iterable<Step> | AsyncIterable<Step>, stop: AbortSignal) {
    this.#iterator = Symbol.asyncIterator in steps ? steps[Symbol.asyncIterator]() : steps[Symbol.iterator]()
    if ((this.#iterator as object) === steps) {
      if (used.has(steps))
        throw new Error('The steps of a generator can be played once: give a function that makes the script.')
      used.add(steps)
    }
    this.#stop = stop
    stop.addEventListener('abort', this.#onStop)
  }

  /** Throws what the script throws before anybody has waited. */
  async begun(): Promise<void> {
    this.#first = this.#advance()
    this.#first.catch(() => {})
    await Promise.race([this.#first, turn()])
  }

  /** null: there are no more. */
  async next(): Promise<Next> {
    const coming = this.#first ?? this.#advance()
    this.#first = null
    const next = await coming
    return this.#stop.aborted ? 'stopped' : next
  }

  /** So that a script may clean up. */
  leave(): void {
    this.#stop.removeEventListener('abort', this.#onStop)
    if (this.#isOver) return
    this.#isOver = true
    void Promise.resolve(this.#iterator.return?.()).catch(() => {})
  }

  async #advance(): Promise<Next> {
    const coming = this.#iterator.next()
    const next = 'then' in coming ? await this.#orStopped(coming) : coming
    if (next === 'stopped') return next
    this.#isOver = next.done === true
    if (next.done) return null
    checkStep(next.value)
    return next.value
  }

  #orStopped(coming: Promise<IteratorResult<Step>>): Promise<IteratorResult<Step> | 'stopped'> {
    const { promise, resolve, reject } = later<IteratorResult<Step> | 'stopped'>()
    this.#stopped = () => resolve('stopped')
    coming.then(resolve, reject)
    if (this.#stop.aborted) resolve('stopped')
    return promise
  }
}
