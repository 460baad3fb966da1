export const header = { openList: 'Chats', share: 'Share', live: 'Live' }
