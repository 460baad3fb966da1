import { useSyncExternalStore } from 'react'

/** The address names what is open: `#chat_…`, or `#chat_…/msg_…` for a message in it. */
export interface Address {
  readonly chatId: string | null
  readonly messageId: string | null
}

let hash = ''
let address: Address = { chatId: null, messageId: null }

function read(): Address {
  if (location.hash !== hash) {
    hash = location.hash
    const [chatId = '', messageId = ''] = hash.slice(1).split('/')
    address = {
      chatId: chatId.startsWith('chat_') ? chatId : null,
      messageId: messageId.startsWith('msg_') ? messageId : null,
    }
  }
  return address
}

export function useAddress(): Address {
  return useSyncExternalStore((listener) => {
    addEventListener('hashchange', listener)
    return () => removeEventListener('hashchange', listener)
  }, read)
}

/** Opens a chat, at a message if one is given; null: a new chat. */
export function goTo(chatId: string | null, messageId?: string): void {
  location.hash = addressOf(chatId, messageId)
}

export function addressOf(chatId: string | null, messageId?: string): string {
  if (chatId === null) return '#'
  return messageId === undefined ? `#${chatId}` : `#${chatId}/${messageId}`
}
