import type { Json, ToolCallBlock } from '../client/index.ts'
import { actionButton, faultLine } from './action-button.ts'
import type { BlockContext } from './block-parts.ts'
import { element } from './dom.ts'

export interface CallForm {
  readonly element: HTMLElement
  show: (visible: boolean) => void
}

/** May this call run? */
export function createApprovalForm({ api, messageId }: BlockContext, { callId, name }: ToolCallBlock): CallForm {
  const reason = element('input', { type: 'text', 'data-testid': 'reason', maxlength: '1000' })
  const fault = faultLine()
  const given = () => reason.value.trim()
  const button = (label: string, decision: 'approve' | 'deny') =>
    actionButton({
      label,
      testId: decision,
      fault,
      intent: given,
      run: (idempotencyKey) =>
        api.decide(messageId, callId, decision, { idempotencyKey, ...(given() !== '' && { reason: given() }) }),
    })
  return formOf(
    `May ${name} run?`,
    element('p', {}, `May ${name} run with these arguments?`),
    element('label', {}, 'Reason (optional) ', reason),
    element('div', { class: 'buttons' }, button('Approve', 'approve'), ' ', button('Deny', 'deny')),
    fault,
  )
}

/** The result of a call that no server runs: JSON if it is any, else the text as it stands. */
export function createOutputForm({ api, messageId }: BlockContext, { callId, name }: ToolCallBlock): CallForm {
  const field = element('textarea', { rows: '2', 'data-testid': 'call-output' })
  const fault = faultLine()
  return formOf(
    `Result of ${name}`,
    element('label', {}, `What does ${name} give? Text or JSON`, field),
    element(
      'div',
      { class: 'buttons' },
      actionButton({
        label: 'Send result',
        testId: 'send-output',
        fault,
        intent: () => field.value,
        run: (idempotencyKey) => api.answerCall(messageId, callId, jsonOrText(field.value), { idempotencyKey }),
      }),
    ),
    fault,
  )
}

function formOf(label: string, ...content: Node[]): CallForm {
  const root = element(
    'div',
    { class: 'call-form for-editors', role: 'group', 'aria-label': label, hidden: '' },
    ...content,
  )
  return {
    element: root,
    show: (visible) => {
      // Whoever answered by keyboard stays at the call when its form goes.
      if (!visible && root.contains(document.activeElement)) root.closest<HTMLElement>('[tabindex]')?.focus()
      root.hidden = !visible
    },
  }
}

function jsonOrText(text: string): Json {
  try {
    return JSON.parse(text) as Json
  } catch {
    return text
  }
}
