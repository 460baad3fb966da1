/** A part of something live, for whoever shows that part alone. The two fit React's `useSyncExternalStore`. */
export interface Part<Snapshot> {
  /** The same object while nothing in it has changed. */
  readonly getSnapshot: () => Snapshot
  readonly subscribe: (listener: () => void) => () => void
}
