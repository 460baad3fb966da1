import type { ChatInfo } from '@runnel/client'
import { useCall, useRead } from '@runnel/client/react'
import { useState, type ReactNode, type SubmitEvent } from 'react'
import { Button } from '../ui/button.tsx'
import { Fault } from '../ui/fault.tsx'
import { Skeleton } from '../ui/skeleton.tsx'
import { useWords } from '../words/words.ts'
import { efforts, fieldsOf, paramsOf, type FaultyField, type Fields } from './params.ts'
import './chat-settings.css'

/** The instructions that the model gets with every question of a chat, and the parameters of its answers. */
export default function ChatSettings({ chatId, close }: { chatId: string; close: () => void }) {
  const { data, error, reload } = useRead(`settings of ${chatId}`, (api, signal) => api.getChat(chatId, { signal }))
  if (error) return <Fault error={error} retry={reload} />
  return data ? <Form key={data.id} chat={data} close={close} /> : <Skeleton lines={6} />
}

function Form({ chat, close }: { chat: ChatInfo; close: () => void }) {
  const words = useWords()
  const said = words.settings
  const [system, setSystem] = useState(chat.system ?? '')
  const [fields, setFields] = useState(() => fieldsOf(chat.params))
  const [faulty, setFaulty] = useState<FaultyField | null>(null)
  const [change, changing] = useCall(`settings ${chat.id}`, (api, next: Parameters<typeof api.changeChat>[1]) =>
    api.changeChat(chat.id, next),
  )
  const put = (field: keyof Fields, value: string) => {
    setFields((last) => ({ ...last, [field]: value }))
    setFaulty(null)
  }
  const save = async (event: SubmitEvent) => {
    event.preventDefault()
    const read = paramsOf(fields, chat.params)
    if ('faulty' in read) {
      setFaulty(read.faulty)
      document.getElementById(`settings-${read.faulty}`)?.focus()
      return
    }
    if (await change({ system: system.trim() === '' ? null : system, params: read.params })) close()
  }
  const input = (field: 'temperature' | 'topP' | 'mostTokens') => (
    <Labelled field={field} faulty={faulty}>
      <input
        id={`settings-${field}`}
        inputMode="decimal"
        autoComplete="off"
        placeholder={said.asTheModel}
        aria-invalid={faulty === field}
        aria-describedby={`settings-${field}-note`}
        value={fields[field]}
        onChange={({ target }) => put(field, target.value)}
      />
    </Labelled>
  )
  return (
    <form className="settings" onSubmit={(event) => void save(event)} data-testid="settings-form">
      <label className="settings-label" htmlFor="settings-system">
        {said.system}
      </label>
      <textarea
        id="settings-system"
        dir="auto"
        rows={4}
        maxLength={100_000}
        aria-describedby="settings-system-note"
        value={system}
        onChange={({ target }) => setSystem(target.value)}
      />
      <p className="settings-note" id="settings-system-note">
        {said.systemNote}
      </p>
      <div className="settings-grid">
        {input('temperature')}
        {input('topP')}
        {input('mostTokens')}
        <Labelled field="effort" faulty={faulty}>
          <select
            id="settings-effort"
            aria-describedby="settings-effort-note"
            value={fields.effort}
            onChange={({ target }) => put('effort', target.value)}
          >
            <option value="">{said.asTheModel}</option>
            {efforts.map((effort) => (
              <option key={effort} value={effort}>
                {said.efforts[effort]}
              </option>
            ))}
          </select>
        </Labelled>
      </div>
      <details open={fields.rest !== '' || faulty === 'rest' || undefined}>
        <summary>{said.more}</summary>
        <Labelled field="rest" faulty={faulty}>
          <textarea
            id="settings-rest"
            className="settings-json"
            rows={4}
            spellCheck={false}
            placeholder={'{ "seed": 7 }'}
            aria-invalid={faulty === 'rest'}
            aria-describedby="settings-rest-note"
            value={fields.rest}
            onChange={({ target }) => put('rest', target.value)}
          />
        </Labelled>
      </details>
      <Fault error={changing.error} />
      <div className="settings-row">
        <Button look="quiet" onClick={close}>
          {words.app.cancel}
        </Button>
        <Button type="submit" look="primary" busy={changing.pending} data-testid="save-settings">
          {said.save}
        </Button>
      </div>
    </form>
  )
}

function Labelled({
  field,
  faulty,
  children,
}: {
  field: FaultyField
  faulty: FaultyField | null
  children: ReactNode
}) {
  const { fields, faults } = useWords().settings
  const isFaulty = field === faulty
  return (
    <div>
      <label className="settings-label" htmlFor={`settings-${field}`}>
        {fields[field].name}
      </label>
      {children}
      <p
        className={isFaulty ? 'fault' : 'settings-note'}
        id={`settings-${field}-note`}
        role={isFaulty ? 'alert' : undefined}
      >
        {isFaulty ? faults[field] : fields[field].note}
      </p>
    </div>
  )
}
