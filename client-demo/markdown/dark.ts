import { useSyncExternalStore } from 'react'

/** Whether the page is dark now, by the system's or the reader's choice. */
export const useDark = (): boolean => useSyncExternalStore(subscribe, isDark)

const query = () => matchMedia('(prefers-color-scheme: dark)')

function isDark(): boolean {
  const scheme = getComputedStyle(document.documentElement).colorScheme
  const [dark, light] = [scheme.includes('dark'), scheme.includes('light')]
  return dark && light ? query().matches : dark
}

function subscribe(listener: () => void): () => void {
  const system = query()
  system.addEventListener('change', listener)
  const chosen = new MutationObserver(listener)
  chosen.observe(document.documentElement, { attributes: true })
  return () => {
    system.removeEventListener('change', listener)
    chosen.disconnect()
  }
}
