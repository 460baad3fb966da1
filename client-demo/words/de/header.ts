export const header = { openList: 'Chats', share: 'Teilen', live: 'Live' }
