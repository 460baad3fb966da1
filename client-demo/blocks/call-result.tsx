import type { Json, ToolCallBlock } from '@runnel/client'
import { useAnswerCall } from '@runnel/client/react'
import { useState, type FormEvent } from 'react'
import { Button } from '../ui/button.tsx'
import { Fault } from '../ui/fault.tsx'
import { useWords } from '../words/words.ts'
import { JsonField, useJsonSentence } from './json-field.tsx'

/** A form for the result of a call that no server runs. It should be JSON; anything else is sent as text if the person confirms it. */
export function CallResult({
  messageId,
  call,
  onAnswered,
}: {
  messageId: string
  call: ToolCallBlock
  onAnswered: () => void
}) {
  const words = useWords().blocks.call
  const sentenceOf = useJsonSentence()
  const [text, setText] = useState('')
  /** The text that was to be sent but is not JSON. */
  const [doubted, setDoubted] = useState<string | null>(null)
  const [answer, { pending, error }] = useAnswerCall(messageId)
  const isDoubted = doubted === text
  const send = (output: Json) => void answer(call.callId, output).then((sent) => sent !== null && onAnswered())
  const submit = (event: FormEvent) => {
    event.preventDefault()
    if (pending) return
    const wrong = sentenceOf(text)
    if (wrong === null) send(JSON.parse(text) as Json)
    else setDoubted(text)
  }
  return (
    <form className="tool-form" onSubmit={submit}>
      <JsonField
        label={words.whatResult(call.name)}
        text={text}
        setText={setText}
        wrong={isDoubted ? `${words.isNoJson} ${sentenceOf(text) ?? ''}` : null}
        isAsked={isDoubted}
        testId="call-output"
      />
      <div className="tool-row">
        {isDoubted ? (
          <>
            <Button look="primary" busy={pending} onClick={() => send(text)} data-testid="send-as-text">
              {words.sendAsText}
            </Button>
            <Button look="quiet" onClick={() => setDoubted(null)}>
              {words.keepEditing}
            </Button>
          </>
        ) : (
          <Button type="submit" look="primary" busy={pending} data-testid="send-output">
            {words.sendResult}
          </Button>
        )}
      </div>
      <Fault error={error} />
    </form>
  )
}
