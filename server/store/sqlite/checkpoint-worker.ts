/** The thread of `sqlite-checkpointer.ts`: one checkpoint a message. */
import { DatabaseSync } from 'node:sqlite'
import { pathToFileURL } from 'node:url'
import { parentPort, workerData } from 'node:worker_threads'
import { checkpointState, type CheckpointWork } from './checkpointer.ts'

/** What is committed during a checkpoint is taken by the next pass: only when nothing is left the WAL begins anew. */
const passes = 3

const { path, state } = workerData as CheckpointWork

parentPort?.on('message', () => {
  const { idle, busy } = checkpointState
  if (Atomics.compareExchange(state, 0, idle, busy) !== idle) return
  try {
    checkpoint()
  } catch {
    // A full or failing disk is reported by the next write.
  } finally {
    Atomics.store(state, 0, idle)
    Atomics.notify(state, 0)
  }
})

/** PASSIVE: it waits for nobody, and nobody waits for it. */
function checkpoint(): void {
  const url = pathToFileURL(path)
  // A file that was moved away must not be made anew.
  url.searchParams.set('mode', 'rw')
  const database = new DatabaseSync(url)
  try {
    const passive = database.prepare('PRAGMA wal_checkpoint(PASSIVE)')
    for (let pass = 0; pass < passes; pass++) {
      const result = passive.get()
      if (result?.['log'] === result?.['checkpointed']) return
    }
  } finally {
    database.close()
  }
}
