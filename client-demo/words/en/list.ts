import { timesOf } from '../times.ts'

export const list = {
  label: 'Chats',
  newChat: 'New chat',
  untitled: 'Untitled chat',
  close: 'Close the list',
  fold: 'Hide the list',
  settings: 'Settings',

  greeting: {
    title: 'What would you like to know?',
    what: 'Ask a model anything. The answer appears as it is written, here and in every other tab, and goes on when you close this one. Share a chat, and others read along.',
    examplesLabel: 'Examples',
    examples: [
      'Explain how tides work, with a table of spring and neap tides.',
      'Write a small Python program that renames photos by the day they were taken.',
      'Help me plan three quiet days in Porto in November.',
    ],
  },

  search: 'Search chats',
  found: 'Chats found',
  nothingFound: (words: string) => `No chat has “${words}” in its title or text. Try fewer or other words.`,
  empty: 'No chats yet. Your first question creates one.',
  more: 'Show more chats',

  pinned: 'Pinned',
  open: 'Open now',
  times: timesOf('en'),

  runs: 'An answer is being written',
  waits: 'Waits for you',
  unread: 'Unread',

  actsOf: (title: string) => `Actions for “${title}”`,
  rename: 'Rename',
  newTitle: 'New title',
  pin: 'Pin',
  unpin: 'Unpin',
  remove: 'Delete',
  removed: (title: string) => `“${title}” was deleted.`,
}
