import { useSyncExternalStore } from 'react'

/** Does the window match a media query? */
export function useMedia(query: string): boolean {
  return useSyncExternalStore(
    (listener) => {
      const list = matchMedia(query)
      list.addEventListener('change', listener)
      return () => list.removeEventListener('change', listener)
    },
    () => matchMedia(query).matches,
  )
}

/** Is it as narrow as a phone? The width is that of the styles (`tokens.css`). */
export function usePhone(): boolean {
  return useMedia('(max-width: 640px)')
}

const watchVisibility = (listener: () => void) => {
  document.addEventListener('visibilitychange', listener)
  return () => document.removeEventListener('visibilitychange', listener)
}

/** Is this tab one that a person can see? */
export function useVisible(): boolean {
  return useSyncExternalStore(watchVisibility, () => document.visibilityState === 'visible')
}
