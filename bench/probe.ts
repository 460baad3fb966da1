/** Loaded into a bench's server before its own code: tells what the process has used whenever the bench asks. */
import { setImmediate as turn } from 'node:timers/promises'

export interface Usage {
  /** Of all its threads, ms since it began. */
  cpuMs: number
  /** The heap, and what JavaScript holds outside of it (buffers), bytes. */
  heldBytes: number
  residentBytes: number
}

export interface Question {
  /** First let go of what nothing holds. */
  collect: boolean
}

process.on('message', (question: Question) => void answer(question))

async function answer({ collect }: Question): Promise<void> {
  // Twice: what the first one lets go of may hold buffers.
  for (let i = 0; collect && i < 2; i++) {
    globalThis.gc!()
    await turn()
  }
  const { user, system } = process.cpuUsage()
  const { heapUsed, external, rss } = process.memoryUsage()
  process.send!({ cpuMs: (user + system) / 1_000, heldBytes: heapUsed + external, residentBytes: rss } satisfies Usage)
}
