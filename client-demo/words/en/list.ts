export const list = { label: 'Chats', newChat: 'New chat', untitled: 'Untitled chat' }
