import type { Replica, ReplicaChange } from './replica.ts'
import type { Subscriptions } from './subscriptions.ts'

/** Until when to wait, for `until`. */
export interface UntilOptions {
  signal?: AbortSignal | undefined
}

/**
 * A document that is followed while anyone listens: the first `subscribe`
 * starts it, the last one stopped ends it. `getSnapshot` is the same object
 * until something changed, so the two fit React's `useSyncExternalStore`.
 */
export interface Live<Snapshot, Change = void> {
  readonly id: string
  readonly getSnapshot: () => Snapshot
  /** `listener` is called once a received frame at most, after the snapshot has changed. */
  readonly subscribe: (listener: (change: Change) => void) => () => void
  /** The first snapshot that `condition` holds for. Rejects with the signal's reason. */
  until(condition: (snapshot: Snapshot) => boolean, options?: UntilOptions): Promise<Snapshot>
}

export class LiveDocument<Snapshot, Change = void> implements Live<Snapshot, Change> {
  readonly id: string
  readonly #subscriptions: Subscriptions
  readonly #read: (replica: Replica | undefined) => Snapshot
  readonly #change: (replica: Replica, change: ReplicaChange) => Change

  constructor(options: {
    id: string
    subscriptions: Subscriptions
    read: (replica: Replica | undefined) => Snapshot
    change: (replica: Replica, change: ReplicaChange) => Change
  }) {
    this.id = options.id
    this.#subscriptions = options.subscriptions
    this.#read = options.read
    this.#change = options.change
  }

  readonly getSnapshot = (): Snapshot => this.#read(this.#subscriptions.peek(this.id))

  readonly subscribe = (listener: (change: Change) => void): (() => void) => {
    const { replica, release } = this.#subscriptions.follow(this.id)
    const remove = replica.listeners.add((change) => listener(this.#change(replica, change)))
    return () => {
      remove()
      release()
    }
  }

  until(condition: (snapshot: Snapshot) => boolean, { signal }: UntilOptions = {}): Promise<Snapshot> {
    return new Promise((resolve, reject) => {
      signal?.throwIfAborted()
      const check = () => {
        const snapshot = this.getSnapshot()
        if (!condition(snapshot)) return
        stop()
        resolve(snapshot)
      }
      const aborted = () => {
        stop()
        reject(signal?.reason as Error)
      }
      const unsubscribe = this.subscribe(check)
      const stop = () => {
        unsubscribe()
        signal?.removeEventListener('abort', aborted)
      }
      signal?.addEventListener('abort', aborted)
      check()
    })
  }
}
