import type { By, Client } from '../client/index.ts'
import { element, setText } from './dom.ts'

/** What the documents of this chat call whoever looks at the page; undefined where that cannot be found out. */
export function findMyself(client: Client, chatId: string): Promise<string | undefined> {
  return client.api.listMembers(chatId, { limit: 1 }).then(
    ({ you }) => you.id,
    () => undefined,
  )
}

/** A line about somebody else: what one did oneself one knows. */
export function createByLine(myself: Promise<string | undefined>): {
  readonly element: HTMLElement
  show: (words: string, by: By | undefined) => void
} {
  const line = element('p', { class: 'by', 'data-testid': 'by' })
  let newest: object | undefined
  return {
    element: line,
    show: (words, by) => {
      const shown = (newest = { by })
      if (!by) return setText(line, '')
      void myself.then((id) => {
        if (newest === shown) setText(line, id === undefined || id === by.id ? '' : `${words} ${by.name}`)
      })
    },
  }
}
