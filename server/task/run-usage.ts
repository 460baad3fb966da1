import { addUsage, type Usage } from '../../shared/schema.ts'

/** What a message has cost so far. */
export class RunUsage {
  /** Of earlier runs and finished requests; of the request that runs. */
  #spent: Usage | undefined
  #current: Usage | undefined

  constructor(spent: Usage | undefined) {
    this.#spent = spent
  }

  get total(): Usage | undefined {
    return addUsage(this.#spent, this.#current)
  }

  /** Of the request that runs: the last one given counts. */
  set(usage: Usage): void {
    this.#current = usage
  }

  requestEnded(): void {
    this.#spent = this.total
    this.#current = undefined
  }

  /** Something else has spent this. */
  add(usage: Usage): void {
    this.#spent = addUsage(this.#spent, usage)
  }
}
