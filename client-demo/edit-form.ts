import { Attempt } from './attempt.ts'
import { faultLine } from './action-button.ts'
import { element, sentence, setText } from './dom.ts'

export interface EditFormOptions {
  /** Sends the text anew. A repeated attempt at the same text carries the same key. */
  send: (text: string, idempotencyKey: string) => Promise<void>
  closed: () => void
}

/** Another text for an earlier message. Enter sends, Shift+Enter makes a new line, Escape leaves all as it was. */
export function createEditForm({ send, closed }: EditFormOptions): {
  element: HTMLElement
  open: (text: string) => void
} {
  const field = element('textarea', { rows: '3', 'data-testid': 'edit-text', 'aria-label': 'Message' })
  const submit = element('button', { type: 'submit', 'data-testid': 'edit-send' }, 'Send')
  const cancel = element('button', { type: 'button' }, 'Cancel')
  const fault = faultLine()
  const form = element(
    'form',
    { class: 'edit-form', hidden: '' },
    field,
    element('div', { class: 'buttons' }, submit, ' ', cancel),
    fault,
  )
  const attempt = new Attempt()
  let isSending = false

  const close = () => {
    form.hidden = true
    closed()
  }
  const sendText = async () => {
    const text = field.value
    if (text.trim() === '' || isSending) return
    isSending = true
    setText(fault, '')
    try {
      await send(text, attempt.keyOf(text))
      attempt.worked()
      close()
    } catch (error) {
      setText(fault, sentence(error))
    }
    isSending = false
  }

  form.addEventListener('submit', (event) => {
    event.preventDefault()
    void sendText()
  })
  field.addEventListener('keydown', (event) => {
    if (event.isComposing) return
    if (event.key === 'Escape') close()
    if (event.key !== 'Enter' || event.shiftKey) return
    event.preventDefault()
    void sendText()
  })
  cancel.addEventListener('click', close)
  return {
    element: form,
    open: (text) => {
      field.value = text
      setText(fault, '')
      form.hidden = false
      field.focus()
    },
  }
}
