/** The page as a program: its title, its notices, its settings, its keys. */
export const page = {
  title: {
    plain: (name: string) => (name === '' ? 'Runnel' : `${name} · Runnel`),
    runs: (name: string) => `● ${name} · Runnel`,
    waits: (name: string) => `(!) ${name} · Runnel`,
    ended: (name: string) => `✓ ${name} · Runnel`,
  },
  notices: {
    ask: 'This answer takes a while. Should the browser tell you when it is ready or needs you?',
    yes: 'Yes, tell me',
    no: 'No, thanks',
    ready: 'The answer is ready.',
    failed: 'The answer could not be finished.',
    waits: 'The answer is waiting for your approval.',
  },
  broken: 'Part of this page did not load. The page may have been updated, or the connection was cut.',
  reload: 'Reload the page',

  settings: {
    title: 'Settings',
    language: 'Language',
    languages: { browser: 'Same as the browser', en: 'English', de: 'Deutsch' },
    scheme: 'Colours',
    schemes: { system: 'Same as the system', light: 'Light', dark: 'Dark' },
    notices: 'Notices',
    noticesOn: 'The browser tells you when an answer is ready or needs you while you look at something else.',
    noticesOff: 'The browser does not tell you when an answer is ready.',
    noticesBlocked: 'Your browser blocks notices of this page. Allow them in the browser’s settings for this site.',
    noticesNone: 'This browser cannot show notices here.',
    turnOn: 'Turn on',
    turnOff: 'Turn off',
    keys: 'Show all keys',
  },

  keys: {
    title: 'Keys',
    groups: [
      {
        name: 'Everywhere',
        keys: [
          ['mod+K', 'Search chats'],
          ['mod+Shift+O', 'New chat'],
          ['?', 'Show this sheet'],
          ['Escape', 'Close what is open'],
        ],
      },
      {
        name: 'Writing',
        keys: [
          ['Enter', 'Send'],
          ['Shift+Enter', 'New line'],
          ['↑', 'Edit the last question, in an empty field'],
        ],
      },
      {
        name: 'Reading',
        keys: [
          ['Home', 'To the beginning'],
          ['End', 'To the end'],
          ['Page Up', 'One page up'],
          ['Page Down', 'One page down'],
        ],
      },
      {
        name: 'In the list',
        keys: [
          ['↑ ↓', 'From chat to chat'],
          ['Enter', 'Open'],
          ['F2', 'Rename'],
          ['Delete', 'Delete'],
        ],
      },
    ],
  },
}
