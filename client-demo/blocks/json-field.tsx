import { useId, useRef, useEffect } from 'react'
import { useWords } from '../words/words.ts'
import { jsonFault } from './json-text.ts'

/** Says in a sentence where a text stops being JSON; null: it is JSON. */
export function useJsonSentence(): (text: string) => string | null {
  const { jsonFault: kinds, jsonFaultAt } = useWords().blocks
  return (text) => {
    const fault = jsonFault(text)
    return fault && jsonFaultAt(fault.line, fault.column, kinds[fault.kind])
  }
}

/** A field for JSON. It says what is wrong while the person types. `isAsked`: also to screen readers, because they tried to send it. */
export function JsonField({
  label,
  text,
  setText,
  wrong,
  isAsked,
  testId,
}: {
  label: string
  text: string
  setText: (text: string) => void
  wrong: string | null
  isAsked: boolean
  testId: string
}) {
  const id = useId()
  const field = useRef<HTMLTextAreaElement>(null)
  useEffect(() => field.current?.focus({ preventScroll: true }), [])
  const rows = Math.min(16, Math.max(3, text.split('\n', 17).length + 1))
  return (
    <>
      <label htmlFor={id}>{label}</label>
      <textarea
        id={id}
        ref={field}
        className="json-field"
        rows={rows}
        spellCheck={false}
        autoCapitalize="off"
        dir="ltr"
        value={text}
        aria-invalid={wrong !== null}
        aria-describedby={`${id}-wrong`}
        onChange={({ target }) => setText(target.value)}
        data-testid={testId}
      />
      <p id={`${id}-wrong`} className="fault json-wrong" role={isAsked ? 'alert' : undefined} data-testid="json-wrong">
        {wrong}
      </p>
    </>
  )
}
