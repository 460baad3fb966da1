import { goTo } from '../address.ts'

/** What can come after the page itself. */
function onceLoaded(act: () => void): void {
  if (document.readyState === 'complete') act()
  else addEventListener('load', act)
}

/** Lets the browser keep the page for use without a connection, and install it, where the browser allows that. */
export function install(url: string): void {
  // It says why there is no connection, and cannot be loaded then.
  onceLoaded(() => void import('../ui/open-popover.tsx').catch(() => {}))
  const { serviceWorker } = navigator
  if (!serviceWorker || !isSecureContext) return
  serviceWorker.addEventListener('message', ({ data }: MessageEvent<{ open?: string }>) => {
    if (typeof data.open === 'string') goTo(data.open)
  })
  onceLoaded(() => void serviceWorker.register(new URL('worker.js', url), { scope: url }).catch(() => {}))
}
