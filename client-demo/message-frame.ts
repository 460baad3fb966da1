import type { BranchMessage, MessageStatus } from '../client/index.ts'
import { confirmedButton, faultLine } from './action-button.ts'
import type { ChatContext } from './context.ts'
import { element } from './dom.ts'
import { createSwitcher } from './switcher.ts'

export interface MessageView {
  readonly element: HTMLElement
  /** The run as this tab knows it: to be stopped while its status is not terminal. */
  readonly run: { status: MessageStatus; taskId: string | undefined }
  /** What the chat says of this message, and where it stands among its siblings. */
  update: (entry: BranchMessage) => void
  focusSwitcher: (direction: 'previous' | 'next') => void
  close: () => void
}

/** What every message has around its content: switcher, buttons, and the line that says why one failed. */
export function createFrame(
  context: ChatContext,
  { message: { id, role, status } }: BranchMessage,
  buttons: (fault: HTMLElement) => HTMLElement[],
) {
  const fault = faultLine()
  const switcher = createSwitcher(context)
  const remove = confirmedButton(
    { label: 'Delete', testId: 'delete', fault, run: () => context.client.api.deleteMessage(id) },
    'Delete this and all that answers it?',
  )
  const root = element('article', {
    class: `message ${role}`,
    'data-testid': 'message',
    'data-message-id': id,
    'data-role': role,
    'data-status': status,
    'aria-label': role === 'user' ? 'Question' : 'Answer',
  })
  const footer = element(
    'footer',
    {},
    switcher.element,
    element('span', { class: 'actions for-editors' }, ...buttons(fault), remove),
    fault,
  )
  return { root, footer, switcher }
}
