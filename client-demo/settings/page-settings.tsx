import { useState, type ReactNode } from 'react'
import { chooseScheme, chosenScheme, type Scheme } from '../page/scheme.ts'
import { showSheet } from '../page/sheets.ts'
import { turnNotices, useNoticeState } from '../page/notice-choice.ts'
import { Button } from '../ui/button.tsx'
import { Dialog } from '../ui/dialog.tsx'
import { Keyboard } from '../ui/icons.ts'
import { chooseLanguage, chosenLanguage, useWords, type Language } from '../words/words.ts'
import './page-settings.css'

/** The settings of this browser. */
export function PageSettings({ close }: { close: () => void }) {
  const words = useWords().page.settings
  const [scheme, setScheme] = useState(chosenScheme)
  const [language, setLanguage] = useState(chosenLanguage)
  return (
    <Dialog title={words.title} isOpen close={close} className="page-settings">
      <div className="page-settings-body" data-testid="settings">
        <Options<Scheme>
          name={words.scheme}
          system={words.schemes.system}
          options={[
            ['light', words.schemes.light],
            ['dark', words.schemes.dark],
          ]}
          chosen={scheme}
          choose={(next) => {
            chooseScheme(next)
            setScheme(next)
          }}
        />
        <Options<Language>
          name={words.language}
          system={words.languages.browser}
          options={[
            ['en', words.languages.en],
            ['de', words.languages.de],
          ]}
          chosen={language}
          choose={(next) => {
            setLanguage(next)
            void chooseLanguage(next)
          }}
        />
        <Notices />
        <Button icon={Keyboard} onClick={() => showSheet('keys')}>
          {words.keys}
        </Button>
      </div>
    </Dialog>
  )
}

/** A choice of a few; `null` follows the system or the browser. */
function Options<Value extends string>(props: {
  name: string
  system: string
  options: readonly (readonly [Value, string])[]
  chosen: Value | null
  choose: (value: Value | null) => void
}): ReactNode {
  const { name, system, options, chosen, choose } = props
  return (
    <fieldset className="options">
      <legend>{name}</legend>
      {([[null, system], ...options] as const).map(([value, label]) => (
        <label key={label}>
          <input type="radio" name={name} checked={value === chosen} onChange={() => choose(value)} />
          {label}
        </label>
      ))}
    </fieldset>
  )
}

function Notices() {
  const words = useWords().page.settings
  const state = useNoticeState()
  const sentence = {
    on: words.noticesOn,
    off: words.noticesOff,
    unasked: words.noticesOff,
    blocked: words.noticesBlocked,
    none: words.noticesNone,
  }[state]
  return (
    <section className="setting">
      <h2>{words.notices}</h2>
      <p>{sentence}</p>
      {(state === 'off' || state === 'unasked') && (
        <Button onClick={() => void turnNotices(true)}>{words.turnOn}</Button>
      )}
      {state === 'on' && <Button onClick={() => void turnNotices(false)}>{words.turnOff}</Button>}
    </section>
  )
}
