import { useEffect, useSyncExternalStore } from 'react'
import { useWords } from '../words/words.ts'
import { announce } from './announcer.tsx'
import { Button } from './button.tsx'
import './undo.css'

/** So long a person may take back what they did. */
const momentMs = 6_000

interface Deed {
  text: string
  /** Does it for good. */
  perform: () => void
  takeBack: () => void
}

let deed: Deed | null = null
const listeners = new Set<() => void>()

function show(next: Deed | null): void {
  deed = next
  for (const listener of listeners) listener()
}

/** Says what was done and does it for good in a moment, unless it is taken back. Another deed, or leaving the page, ends the moment of the one before. */
export function doUnlessUndone(next: Deed): void {
  deed?.perform()
  show(next)
}

function end(how: 'perform' | 'takeBack'): void {
  const ended = deed
  show(null)
  ended?.[how]()
}

addEventListener('pagehide', () => end('perform'))

/** The last deed that can be taken back; stands once on the page. */
export function UndoBar() {
  const shown = useSyncExternalStore(
    (listener) => {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
    () => deed,
  )
  const words = useWords().app
  useEffect(() => {
    if (!shown) return
    announce(shown.text)
    const timer = setTimeout(() => end('perform'), momentMs)
    return () => clearTimeout(timer)
  }, [shown])
  if (!shown) return null
  return (
    <div className="undo">
      {shown.text}
      <Button onClick={() => end('takeBack')}>{words.undo}</Button>
    </div>
  )
}
