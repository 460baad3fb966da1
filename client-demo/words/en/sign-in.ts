export const signIn = { invited: 'You are invited to a chat' }
