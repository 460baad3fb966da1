import { useEffect, useRef, useState } from 'react'

/** The time since `since` (epoch ms), updated each second. */
export function useElapsed(since: number | null): number {
  const [now, setNow] = useState(() => Date.now())
  useEffect(() => {
    if (since === null) return
    setNow(Date.now())
    const timer = setInterval(() => setNow(Date.now()), 1_000)
    return () => clearInterval(timer)
  }, [since])
  // The server's clock may differ from ours.
  return since === null ? 0 : Math.max(0, now - since)
}

export interface SeenRun {
  /** When this page saw it begin; null when it does not run. */
  readonly since: number | null
  /** How long it took, ms. */
  readonly took: number | null
}

const unseen: SeenRun = { since: null, took: null }

/** How long something has been running, if this page saw it begin. Documents do not have that time. */
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
