import { useEffect, useRef, useState } from 'react'

/** Time since `since` (epoch ms), told each second while there is one. */
export function useElapsed(since: number | null): number {
  const [now, setNow] = useState(() => Date.now())
  useEffect(() => {
    if (since === null) return
    setNow(Date.now())
    const timer = setInterval(() => setNow(Date.now()), 1_000)
    return () => clearInterval(timer)
  }, [since])
  // The clock of the server may be another one.
  return since === null ? 0 : Math.max(0, now - since)
}

export interface SeenRun {
  /** When it was seen to begin, while it goes on. */
  readonly since: number | null
  /** ms that it took. */
  readonly took: number | null
}

const unseen: SeenRun = { since: null, took: null }

/** How long something runs, as far as this page has seen it begin: no document says it. */
export function useSeenRun(isRunning: boolean): SeenRun {
  const [seen, setSeen] = useState(unseen)
  const wasRunning = useRef(isRunning)
  useEffect(() => {
    if (wasRunning.current === isRunning) return
    wasRunning.current = isRunning
    const now = Date.now()
    setSeen(({ since }) =>
      isRunning ? { since: now, took: null } : { since: null, took: since === null ? null : now - since },
    )
  }, [isRunning])
  return seen
}
