import type { WaitingEntry } from '../client/index.ts'
import { actionButton, faultLine } from './action-button.ts'
import { createByLine } from './by-line.ts'
import type { ChatContext } from './context.ts'
import { element } from './dom.ts'

/** What waits in a chat behind its answers, in its order, with what may be done with it. */
export function createWaitingView({ client: { api }, myself }: ChatContext, chatId: string) {
  const list = element('ol', { class: 'waiting', 'aria-label': 'Waiting messages', hidden: '' })
  let shown: readonly WaitingEntry[] = []
  const createItem = ({ id, by, text, shortened, refused }: WaitingEntry) => {
    const fault = faultLine()
    const said = createByLine(myself)
    said.show('From', by)
    const item = element(
      'li',
      { 'data-testid': 'waiting' },
      said.element,
      element('div', { class: 'growing' }, shortened ? `${text} …` : text),
      element('p', { class: 'note' }, refused ? `Not sent: ${refused.message}` : 'Waits for the answer before it.'),
      element(
        'div',
        { class: 'actions' },
        actionButton({ label: 'Send now', testId: 'send-now', run: () => api.sendWaiting(chatId, id), fault }),
        actionButton({ label: 'Remove', testId: 'remove-waiting', run: () => api.removeWaiting(chatId, id), fault }),
      ),
      fault,
    )
    return item
  }
  return {
    element: list,
    show: (entries: readonly WaitingEntry[]) => {
      if (entries === shown) return
      shown = entries
      list.hidden = entries.length === 0
      list.replaceChildren(...entries.map(createItem))
    },
  }
}
