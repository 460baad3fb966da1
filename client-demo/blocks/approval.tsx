import type { ToolCallBlock } from '@runnel/client'
import { useDecide } from '@runnel/client/react'
import { useState, type FormEvent } from 'react'
import { Button } from '../ui/button.tsx'
import { Fault } from '../ui/fault.tsx'
import { useWords } from '../words/words.ts'
import { JsonField, useJsonSentence } from './json-field.tsx'
import { prettyJson } from './json-text.ts'

interface ApprovalProps {
  messageId: string
  call: ToolCallBlock
  onAnswered: () => void
}

/** Asks whether a call may run: as it is, with other arguments, or not at all. */
export function Approval({ messageId, call, onAnswered }: ApprovalProps) {
  const words = useWords().blocks.call
  const [step, setStep] = useState<'ask' | 'edit' | 'deny'>('ask')
  const [decide, { pending, error, reset }] = useDecide(messageId)
  const decided = (answer: unknown) => void (answer !== null && onAnswered())
  const back = () => {
    reset()
    setStep('ask')
  }
  const approve = (text?: string) =>
    void decide(call.callId, 'approve', text === undefined ? {} : { arguments: text }).then(decided)
  const deny = (reason: string) => void decide(call.callId, 'deny', reason === '' ? {} : { reason }).then(decided)
  return (
    <>
      {step === 'ask' ? (
        <div className="tool-row">
          <Button look="primary" busy={pending} onClick={() => approve()} data-testid="approve">
            {words.approve}
          </Button>
          {/* A call that the provider runs cannot have other arguments. */}
          {call.executor !== 'provider' && (
            <Button busy={pending} onClick={() => setStep('edit')} data-testid="edit-arguments">
              {words.edit}
            </Button>
          )}
          <Button look="quiet" busy={pending} onClick={() => setStep('deny')} data-testid="deny">
            {words.deny}
          </Button>
        </div>
      ) : step === 'deny' ? (
        <Denial busy={pending} deny={deny} back={back} />
      ) : (
        <NewArguments call={call} busy={pending} approve={approve} back={back} />
      )}
      <Fault error={error} />
    </>
  )
}

function Denial({ busy, deny, back }: { busy: boolean; deny: (reason: string) => void; back: () => void }) {
  const words = useWords()
  const { reason, denyNow } = words.blocks.call
  const [text, setText] = useState('')
  const submit = (event: FormEvent) => {
    event.preventDefault()
    if (!busy) deny(text.trim())
  }
  return (
    <form className="tool-form" onSubmit={submit} onKeyDown={({ key }) => key === 'Escape' && back()}>
      <label>
        {reason}
        <input
          type="text"
          maxLength={1_000}
          dir="auto"
          autoFocus
          value={text}
          onChange={({ target }) => setText(target.value)}
          data-testid="reason"
        />
      </label>
      <div className="tool-row">
        <Button type="submit" look="danger" busy={busy} data-testid="deny-now">
          {denyNow}
        </Button>
        <Button look="quiet" onClick={back}>
          {words.app.cancel}
        </Button>
      </div>
    </form>
  )
}

function NewArguments({
  call,
  busy,
  approve,
  back,
}: {
  call: ToolCallBlock
  busy: boolean
  approve: (text?: string) => void
  back: () => void
}) {
  const words = useWords()
  const { newArguments, approveChanged, mustBeObject } = words.blocks.call
  const sentenceOf = useJsonSentence()
  const [before] = useState(() => prettyJson(call.arguments) ?? call.arguments)
  const [text, setText] = useState(before)
  const wrong = sentenceOf(text) ?? (text.trim().startsWith('{') ? null : mustBeObject)
  const [isAsked, setAsked] = useState(false)
  const submit = (event: FormEvent) => {
    event.preventDefault()
    setAsked(true)
    // Wrong arguments are not sent; equal ones are not a change.
    if (!busy && wrong === null) approve(text === before ? undefined : text)
  }
  return (
    <form className="tool-form" onSubmit={submit} onKeyDown={({ key }) => key === 'Escape' && back()}>
      <JsonField
        label={newArguments}
        text={text}
        setText={setText}
        wrong={wrong}
        isAsked={isAsked}
        testId="new-arguments"
      />
      <div className="tool-row">
        <Button type="submit" look="primary" busy={busy} data-testid="approve-changed">
          {approveChanged}
        </Button>
        <Button look="quiet" onClick={back}>
          {words.app.cancel}
        </Button>
      </div>
    </form>
  )
}
