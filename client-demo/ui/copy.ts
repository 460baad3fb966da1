import { useEffect, useState } from 'react'

/** The text to copy, or a promise of it, for example when it must first be read from the server. */
export type Copied = string | Promise<string>
export type CopyState = 'copied' | 'failed' | null

/** Copies text, and shows for a moment whether that worked. */
export function useCopy(): [copy: (text: Copied) => void, isCopied: boolean, state: CopyState] {
  const [state, setState] = useState<CopyState>(null)
  useEffect(() => {
    if (!state) return
    const timer = setTimeout(() => setState(null), state === 'copied' ? 1_500 : 6_000)
    return () => clearTimeout(timer)
  }, [state])
  const copy = (text: Copied) =>
    void write(text).then(
      () => setState('copied'),
      () => setState('failed'),
    )
  return [copy, state === 'copied', state]
}

async function write(text: Copied): Promise<void> {
  // Browsers give a clipboard only to pages over HTTPS or on localhost.
  if (!('clipboard' in navigator)) return writeByCommand(await text)
  if (typeof text === 'string') return await navigator.clipboard.writeText(text)
  // Start at once: some browsers allow copying only during the press itself.
  const blob = text.then((words) => new Blob([words], { type: 'text/plain' }))
  await navigator.clipboard.write([new ClipboardItem({ 'text/plain': blob })])
}

function writeByCommand(text: string): void {
  const field = document.createElement('textarea')
  const focused = document.activeElement
  field.value = text
  field.className = 'visually-hidden'
  document.body.append(field)
  field.select()
  const isDone = document.execCommand('copy')
  field.remove()
  if (focused instanceof HTMLElement) focused.focus()
  if (!isDone) throw new Error('The browser does not let this page copy.')
}
