import { useEffect, useRef, type KeyboardEvent } from 'react'
import { useWords } from '../words/words.ts'

/** A closing menu may still move the focus for this long, ms. */
const settlesMs = 150

/** The field that renames a chat. Enter or leaving the field keeps the new title; Escape does not. */
export function RenameField({ title, done }: { title: string; done: (title: string | null) => void }) {
  const words = useWords().list
  const field = useRef<HTMLInputElement>(null)
  const isOver = useRef(false)
  // The menu that opened it returns the focus to its button after this field has taken it.
  const isSettled = useRef(false)
  useEffect(() => {
    field.current?.select()
    const timer = setTimeout(() => {
      isSettled.current = true
      if (document.activeElement !== field.current) field.current?.select()
    }, settlesMs)
    return () => clearTimeout(timer)
  }, [])
  const end = (next: string | null) => {
    if (isOver.current) return
    isOver.current = true
    done(next)
  }
  const pressed = (event: KeyboardEvent<HTMLInputElement>) => {
    if (event.nativeEvent.isComposing) return
    if (event.key !== 'Enter' && event.key !== 'Escape') return event.stopPropagation()
    event.preventDefault()
    event.stopPropagation()
    const row = event.currentTarget.closest('.row')
    end(event.key === 'Enter' ? event.currentTarget.value : null)
    // The focus goes back to where it was.
    requestAnimationFrame(() => row?.querySelector<HTMLElement>('.chat')?.focus())
  }
  return (
    <input
      className="rename"
      data-testid="rename"
      aria-label={words.newTitle}
      defaultValue={title}
      maxLength={200}
      dir="auto"
      ref={field}
      onKeyDown={pressed}
      onBlur={(event) => isSettled.current && end(event.currentTarget.value)}
    />
  )
}
