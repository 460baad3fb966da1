import { goTo } from '../address.ts'

/** Has the browser keep the page for when there is no line, and so that it can be installed. Only where browsers let pages have that. */
export function install(url: string): void {
  const { serviceWorker } = navigator
  if (!serviceWorker || !isSecureContext) return
  serviceWorker.addEventListener('message', ({ data }: MessageEvent<{ open?: string }>) => {
    if (typeof data.open === 'string') goTo(data.open)
  })
  const register = () => void serviceWorker.register(new URL('worker.js', url), { scope: url }).catch(() => {})
  // The page itself comes first.
  if (document.readyState === 'complete') register()
  else addEventListener('load', register)
}
