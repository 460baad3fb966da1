export const blocks = { thinking: 'Denkt nach' }
