/** How often the clock is looked at, and how far it must have jumped to tell of a sleep. */
const lookMs = 5_000
const jumpMs = 10_000
/** A page that is closed is hidden first. */
const hiddenMs = 2_000

export interface WakeHandlers {
  /** The machine or the tab may have slept, or the network is back: what seems open may be dead. */
  wake: () => void
  /** The network is back: perhaps another one. */
  online: () => void
  offline: () => void
  /** Nobody looks at the tab any more, or somebody does again. */
  hidden: (isHidden: boolean) => void
  /** The page goes, perhaps to come back as it is. */
  leaving: () => void
}

/**
 * Watches for the moments after which a socket cannot be trusted: `online`,
 * the tab becoming visible, a clock that jumped. Returns its stop.
 */
export function watchWake({ wake, online, offline, hidden, leaving }: WakeHandlers): () => void {
  let soon: ReturnType<typeof setTimeout> | undefined
  const stops: (() => void)[] = [() => clearTimeout(soon)]
  const on = (target: EventTarget | undefined, type: string, listener: () => void) => {
    target?.addEventListener(type, listener)
    stops.push(() => target?.removeEventListener(type, listener))
  }
  const page = globalThis.document as Document | undefined
  on(globalThis.window as EventTarget | undefined, 'online', () => {
    wake()
    online()
  })
  on(globalThis.window as EventTarget | undefined, 'offline', offline)
  on(globalThis.window as EventTarget | undefined, 'pagehide', leaving)
  on(page, 'visibilitychange', () => {
    clearTimeout(soon)
    if (isHidden()) soon = setTimeout(() => hidden(true), hiddenMs)
    else {
      hidden(false)
      wake()
    }
  })

  let lookedAt = Date.now()
  const timer: unknown = setInterval(() => {
    const now = Date.now()
    if (now - lookedAt > lookMs + jumpMs) wake()
    lookedAt = now
  }, lookMs)
  // In Node a look at the clock is no reason to stay alive.
  if (typeof timer === 'object' && timer !== null && 'unref' in timer) (timer as { unref(): void }).unref()
  stops.push(() => clearInterval(timer as number))
  return () => {
    for (const stop of stops.splice(0)) stop()
  }
}

/** Says the machine itself that it has no network? (Loopback may be reachable all the same.) */
export function isOffline(): boolean {
  return (globalThis.navigator as Navigator | undefined)?.onLine === false
}

/** Nobody looks at this tab. */
export function isHidden(): boolean {
  return (globalThis.document as Document | undefined)?.visibilityState === 'hidden'
}
