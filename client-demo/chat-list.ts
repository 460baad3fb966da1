import type { ChatInfo, Client } from '../client/index.ts'
import { element, sentence, setText } from './dom.ts'

export interface ChatList {
  readonly element: HTMLElement
  /** Loads the list anew. */
  refresh: () => Promise<void>
  select: (chatId: string) => void
  /** A title that came another way. */
  rename: (chatId: string, title: string) => void
}

/** The caller's chats, newest first; picking one is following its link. */
export function createChatList(client: Client): ChatList {
  const newChat = element('button', { type: 'button', 'data-testid': 'new-chat' }, 'New chat')
  const list = element('ul', { 'data-testid': 'chat-list' })
  const more = element('button', { type: 'button', hidden: '' }, 'More')
  const fault = element('p', { class: 'fault', role: 'alert' })
  const root = element('nav', { 'aria-label': 'Chats' }, newChat, list, more, fault)
  let selected = ''
  let cursor: string | null = null
  let loads = 0

  const item = ({ id, title }: ChatInfo) => {
    const anchor = element('a', { href: `#${id}`, 'data-chat-id': id }, title)
    if (id === selected) anchor.setAttribute('aria-current', 'page')
    return element('li', {}, anchor)
  }
  const anchors = () => [...list.querySelectorAll<HTMLAnchorElement>('a')]

  const load = async (from: string | null) => {
    const mine = ++loads
    try {
      const page = await client.api.listChats(from === null ? {} : { cursor: from })
      // A later load overtook this one.
      if (mine !== loads) return
      const items = page.items.map(item)
      if (from === null) list.replaceChildren(...items)
      else list.append(...items)
      cursor = page.nextCursor
      more.hidden = cursor === null
      setText(fault, '')
    } catch (error) {
      setText(fault, sentence(error))
    }
  }

  newChat.addEventListener('click', () => {
    client.api
      .createChat()
      .then(async ({ id }) => {
        location.hash = id
        await load(null)
      })
      .catch((error: unknown) => setText(fault, sentence(error)))
  })
  more.addEventListener('click', () => void load(cursor))

  return {
    element: root,
    refresh: () => load(null),
    select: (chatId) => {
      selected = chatId
      for (const anchor of anchors()) {
        if (anchor.dataset.chatId === chatId) anchor.setAttribute('aria-current', 'page')
        else anchor.removeAttribute('aria-current')
      }
    },
    rename: (chatId, title) => {
      const anchor = anchors().find(({ dataset }) => dataset.chatId === chatId)
      if (anchor) setText(anchor, title)
    },
  }
}
