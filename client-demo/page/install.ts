import { goTo } from '../address.ts'

/** Lets the browser keep the page for use without a connection, and install it, where the browser allows that. */
export function install(url: string): void {
  const { serviceWorker } = navigator
  if (!serviceWorker || !isSecureContext) return
  serviceWorker.addEventListener('message', ({ data }: MessageEvent<{ open?: string }>) => {
    if (typeof data.open === 'string') goTo(data.open)
  })
  const register = () => void serviceWorker.register(new URL('worker.js', url), { scope: url }).catch(() => {})
  // Let the page load first.
  if (document.readyState === 'complete') register()
  else addEventListener('load', register)
}
