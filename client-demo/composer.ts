import { Attempt } from './attempt.ts'
import { element, sentence, setText } from './dom.ts'

export interface ComposerOptions {
  /** Sends a text. A repeated attempt at the same text carries the same key. */
  send: (text: string, idempotencyKey: string) => Promise<void>
  stop: () => Promise<void>
}

export interface Composer {
  readonly element: HTMLElement
  /** While a run is live Stop stands where Send was. */
  setLive: (live: boolean) => void
  /** Who may only read has nothing to write with. */
  setReadOnly: (readOnly: boolean) => void
  focus: () => void
}

/** Enter sends, Shift+Enter makes a new line. What could not be sent stays in the field, with the reason under it. */
export function createComposer({ send, stop }: ComposerOptions): Composer {
  const field = element('textarea', {
    'data-testid': 'composer',
    rows: '2',
    placeholder: 'Ask something',
    'aria-label': 'Message',
  })
  const sendButton = element('button', { type: 'submit', 'data-testid': 'send' }, 'Send')
  const stopButton = element('button', { type: 'button', 'data-testid': 'stop', hidden: '' }, 'Stop')
  const fault = element('p', { class: 'fault', role: 'alert' })
  const note = element(
    'p',
    { class: 'note read-only', 'data-testid': 'read-only', hidden: '' },
    'You may read this chat, and not write in it.',
  )
  const form = element('form', { class: 'composer' }, field, sendButton, stopButton, fault)
  const attempt = new Attempt()
  let isLive = false
  let isSending = false

  const refresh = () => {
    sendButton.hidden = isLive
    stopButton.hidden = !isLive
    sendButton.disabled = isSending
  }

  const submit = async () => {
    const text = field.value
    if (text.trim() === '' || isSending || isLive) return
    isSending = true
    refresh()
    setText(fault, '')
    try {
      await send(text, attempt.keyOf(text))
      attempt.worked()
      if (field.value === text) field.value = ''
    } catch (error) {
      setText(fault, sentence(error))
    }
    isSending = false
    refresh()
  }

  form.addEventListener('submit', (event) => {
    event.preventDefault()
    void submit()
  })
  field.addEventListener('keydown', (event) => {
    if (event.key !== 'Enter' || event.shiftKey || event.isComposing) return
    event.preventDefault()
    void submit()
  })
  stopButton.addEventListener('click', () => {
    stopButton.disabled = true
    setText(fault, '')
    stop()
      .catch((error: unknown) => setText(fault, sentence(error)))
      .finally(() => {
        stopButton.disabled = false
      })
  })

  return {
    element: element('div', {}, form, note),
    setLive: (live) => {
      isLive = live
      refresh()
    },
    setReadOnly: (readOnly) => {
      form.hidden = readOnly
      note.hidden = !readOnly
    },
    focus: () => field.focus(),
  }
}
