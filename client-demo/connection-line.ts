import type { Client, ConnectionState } from '../client/index.ts'
import { element, setText } from './dom.ts'

/** One line that says how the connection is. */
export function createConnectionLine(client: Client): HTMLElement {
  const text = element('span', { 'data-testid': 'connection', role: 'status' })
  const retry = element('button', { type: 'button', hidden: '' }, 'Try again')
  retry.addEventListener('click', () => client.connection.retry())
  const show = () => {
    const state = client.connection.getSnapshot()
    text.dataset.status = state.status
    setText(text, sentenceOf(state))
    retry.hidden = state.status !== 'waiting' && state.status !== 'closed'
  }
  client.connection.subscribe(show)
  show()
  return element('div', { class: 'connection' }, text, ' ', retry)
}

function sentenceOf(state: ConnectionState): string {
  switch (state.status) {
    case 'connecting':
      return 'Connecting …'
    case 'open':
      return 'Connected'
    case 'waiting':
      return 'Connection lost, trying again …'
    case 'offline':
      return 'Offline'
    case 'closed':
      return state.message
  }
}
