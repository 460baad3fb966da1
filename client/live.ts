/** Until when to wait, for `until`. */
export interface UntilOptions {
  signal?: AbortSignal | undefined
}

/**
 * What is followed while anyone listens: the first `subscribe` starts it, the
 * last one stopped ends it. `getSnapshot` is the same object until something
 * changed, so the two fit React's `useSyncExternalStore`.
 */
export interface LiveSource<Snapshot, Change = void> {
  readonly getSnapshot: () => Snapshot
  /** `listener` is called once a received frame at most, after the snapshot has changed. */
  readonly subscribe: (listener: (change: Change) => void) => () => void
}

export interface LiveDocument<Snapshot, Change = void> extends LiveSource<Snapshot, Change> {
  readonly id: string
  /** The first snapshot that `condition` holds for. Rejects with the signal's reason. */
  readonly until: (condition: (snapshot: Snapshot) => boolean, options?: UntilOptions) => Promise<Snapshot>
}

export function liveDocument<Snapshot, Change>(
  id: string,
  source: LiveSource<Snapshot, Change>,
): LiveDocument<Snapshot, Change> {
  return { id, ...source, until: (condition, options) => until(source, condition, options) }
}

function until<Snapshot, Change>(
  { getSnapshot, subscribe }: LiveSource<Snapshot, Change>,
  condition: (snapshot: Snapshot) => boolean,
  { signal }: UntilOptions = {},
): Promise<Snapshot> {
  return new Promise((resolve, reject) => {
    signal?.throwIfAborted()
    const check = () => {
      const snapshot = getSnapshot()
      if (!condition(snapshot)) return
      stop()
      resolve(snapshot)
    }
    const aborted = () => {
      stop()
      reject(signal?.reason as Error)
    }
    const unsubscribe = subscribe(check)
    const stop = () => {
      unsubscribe()
      signal?.removeEventListener('abort', aborted)
    }
    signal?.addEventListener('abort', aborted)
    check()
  })
}
