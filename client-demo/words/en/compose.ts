export const compose = { placeholder: 'Ask anything', send: 'Send', stop: 'Stop' }
