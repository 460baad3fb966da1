export const signIn = { invited: 'Sie sind zu einem Chat eingeladen' }
