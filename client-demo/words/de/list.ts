export const list = { label: 'Chats', newChat: 'Neuer Chat', untitled: 'Chat ohne Titel' }
