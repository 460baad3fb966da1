import { Worker } from 'node:worker_threads'

/** While a database is written, its WAL is taken into it this often. */
const everyMs = 5_000
/** How long closing waits for a checkpoint that is being made. */
const closeMs = 10_000

/** What the one number of `CheckpointWork.state` says. */
export const checkpointState = { idle: 0, busy: 1, closed: 2 } as const

/** What the thread is given. */
export interface CheckpointWork {
  path: string
  state: Int32Array<SharedArrayBuffer>
}

export interface Checkpointer {
  /** To be called after commits. */
  committed(): void
  /** Idempotent. When it returns, the thread has no connection and opens none any more. */
  close(): void
}

/**
 * Makes checkpoints in a thread: they wait for the disk, which may take 100 ms.
 * If the thread fails, SQLite makes them in a commit once the WAL is long.
 */
export function checkpointer(path: string): Checkpointer {
  const state = new Int32Array(new SharedArrayBuffer(4))
  let worker: Worker | null = null
  let failed = false
  let last = performance.now()

  function start(): Worker {
    // The sources run as they are, too.
    const file = import.meta.url.endsWith('.ts') ? './checkpoint-worker.ts' : './checkpoint-worker.js'
    const started = new Worker(new URL(file, import.meta.url), { workerData: { path, state } satisfies CheckpointWork })
    started.unref()
    started.on('error', () => {
      failed = true
    })
    return started
  }

  return {
    committed() {
      const now = performance.now()
      if (failed || now - last < everyMs) return
      last = now
      try {
        worker ??= start()
        worker.postMessage(null)
      } catch {
        failed = true
      }
    },
    close() {
      failed = true
      const { idle, busy, closed } = checkpointState
      while (Atomics.compareExchange(state, 0, idle, closed) === busy) {
        if (Atomics.wait(state, 0, busy, closeMs) === 'timed-out') break
      }
      void worker?.terminate()
      worker = null
    },
  }
}
