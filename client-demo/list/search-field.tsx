import { useEffect, useRef, useState, type KeyboardEvent } from 'react'
import { IconButton } from '../ui/button.tsx'
import { Search, X } from '../ui/icons.ts'
import { keyName } from '../page/key-names.ts'
import { useWords } from '../words/words.ts'

/** The search starts this long after the last key, ms. */
const pauseMs = 150

/** The search field for titles and messages. `searches` counts how often the shortcut was pressed; each time it takes the focus. */
export function SearchField({
  text,
  setText,
  searches,
}: {
  text: string
  setText: (text: string) => void
  searches: number
}) {
  const words = useWords()
  const field = useRef<HTMLInputElement>(null)
  const [typed, setTyped] = useState(text)
  useEffect(() => {
    if (typed === text) return
    const timer = setTimeout(() => setText(typed), pauseMs)
    return () => clearTimeout(timer)
  }, [typed, text, setText])
  useEffect(() => {
    if (searches > 0) field.current?.select()
  }, [searches])
  const clear = () => {
    setTyped('')
    setText('')
    field.current?.focus()
  }
  const pressed = (event: KeyboardEvent) => {
    if (event.nativeEvent.isComposing) return
    if (event.key === 'Escape' && typed !== '') {
      event.preventDefault()
      clear()
    } else if (event.key === 'ArrowDown' || event.key === 'Enter') {
      event.preventDefault()
      const first = field.current?.closest('.side')?.querySelector<HTMLElement>('.chats .chat')
      if (event.key === 'ArrowDown') first?.focus()
      else if (typed === text && text !== '') first?.click()
    }
  }
  return (
    <search className="search">
      <Search aria-hidden className="icon" />
      <input
        ref={field}
        type="text"
        enterKeyHint="search"
        value={typed}
        placeholder={words.list.search}
        aria-label={words.list.search}
        aria-keyshortcuts="Control+K Meta+K"
        dir="auto"
        data-testid="search"
        onChange={(event) => setTyped(event.target.value)}
        onKeyDown={pressed}
      />
      {typed === '' ? (
        <kbd aria-hidden>{keyName('mod+K')}</kbd>
      ) : (
        <IconButton label={words.app.clear} icon={X} onClick={clear} />
      )}
    </search>
  )
}
