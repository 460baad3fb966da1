import type { Run } from './run.ts'

/** Runs that have not ended, and those whose end is being saved. */
export class LiveRuns {
  readonly #byTask = new Map<string, Run>()
  readonly #byMessage = new Map<string, Run>()

  add(run: Run): void {
    this.#byTask.set(run.taskId, run)
    this.#byMessage.set(run.messageId, run)
  }

  delete(run: Run): void {
    this.#byTask.delete(run.taskId)
    // A run that goes on with the message may stand there already.
    if (this.#byMessage.get(run.messageId) === run) this.#byMessage.delete(run.messageId)
  }

  ofMessage(messageId: string): Run | undefined {
    return this.#byMessage.get(messageId)
  }

  filter(match: (run: Run) => boolean): Run[] {
    return [...this.#byTask.values()].filter(match)
  }
}
