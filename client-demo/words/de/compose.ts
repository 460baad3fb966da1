export const compose = { placeholder: 'Fragen Sie etwas', send: 'Senden', stop: 'Anhalten' }
