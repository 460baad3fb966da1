import { useEffect } from 'react'
import { goTo } from '../address.ts'
import { showSheet } from './sheets.ts'

/** The keys that work everywhere on the page. */
export function usePageKeys(search: () => void): void {
  useEffect(() => {
    const pressed = (event: KeyboardEvent) => {
      // An open dialog gets all keys.
      if (event.defaultPrevented || document.querySelector('dialog[open], .dialog')) return
      const isMod = event.ctrlKey || event.metaKey
      const key = event.key.toLowerCase()
      if (isMod && !event.shiftKey && !event.altKey && key === 'k') search()
      else if (isMod && event.shiftKey && key === 'o') goTo(null)
      else if (event.key === '?' && !isMod && !isWritten(event.target)) showSheet('keys')
      else return
      event.preventDefault()
    }
    addEventListener('keydown', pressed)
    return () => removeEventListener('keydown', pressed)
  }, [search])
}

const isWritten = (target: EventTarget | null) =>
  target instanceof HTMLElement && (target.isContentEditable || target.matches('input, textarea, select'))
