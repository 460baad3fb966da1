export const blocks = { thinking: 'Thinking' }
