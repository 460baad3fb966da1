import { Attempt } from './attempt.ts'
import { element, sentence, setText } from './dom.ts'

export interface Action {
  label: string
  /** For tests and programs. */
  testId: string
  /** What would be sent, where that may change between two presses. */
  intent?: () => string
  /** May be called again with the same key after it failed, for the same intent. */
  run: (idempotencyKey: string) => Promise<unknown>
  /** Where it says why it failed. */
  fault: HTMLElement
}

export function faultLine(): HTMLElement {
  return element('p', { class: 'fault', role: 'alert' })
}

/** A button that calls the server, once at a time. */
export function actionButton({ label, testId, intent = () => '', run, fault }: Action): HTMLButtonElement {
  const button = element('button', { type: 'button', 'data-testid': testId }, label)
  const attempt = new Attempt()
  // `disabled` would take the keyboard away from whoever pressed it.
  const setBusy = (busy: boolean) => button.setAttribute('aria-disabled', String(busy))
  button.addEventListener('click', () => {
    if (button.ariaDisabled === 'true') return
    setBusy(true)
    setText(fault, '')
    run(attempt.keyOf(intent()))
      .then(() => attempt.worked())
      .catch((error: unknown) => setText(fault, sentence(error)))
      .finally(() => setBusy(false))
  })
  return button
}

/** A button that asks before it does what cannot be taken back. */
export function confirmedButton(action: Action, question: string): HTMLElement {
  const ask = element('button', { type: 'button', 'data-testid': action.testId }, action.label)
  const yes = actionButton({ ...action, testId: `${action.testId}-confirm` })
  const no = element('button', { type: 'button' }, 'Keep')
  const confirmation = element(
    'span',
    { class: 'confirmation', role: 'group', 'aria-label': question, hidden: '' },
    `${question} `,
    yes,
    ' ',
    no,
  )
  const show = (asked: boolean) => {
    ask.hidden = asked
    confirmation.hidden = !asked
    const next = asked ? no : ask
    next.focus()
  }
  ask.addEventListener('click', () => show(true))
  no.addEventListener('click', () => show(false))
  confirmation.addEventListener('keydown', (event) => {
    if (event.key === 'Escape') show(false)
  })
  return element('span', {}, ask, confirmation)
}
