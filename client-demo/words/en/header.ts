import { pluralsOf } from '../plural.ts'

const plural = pluralsOf('en')
const number = new Intl.NumberFormat('en')
const names = new Intl.ListFormat('en')
const date = new Intl.DateTimeFormat('en', { dateStyle: 'medium', timeStyle: 'short' })
const isOrAre = (count: number) => (count === 1 ? 'is' : 'are')
const withOthers = (list: readonly string[], others: number) =>
  names.format(
    others === 0 ? list : [...list, plural(others, { one: '1 other', other: `${number.format(others)} others` })],
  )

export const header = {
  openList: 'Chats',
  untitled: 'Untitled chat',
  more: 'More to do with this chat',
  rename: 'Rename this chat',
  titleLabel: 'Title of this chat',
  connection: 'Connection',
  state: {
    live: 'Live',
    catchingUp: 'Catching up',
    connecting: 'Connecting',
    reconnecting: (seconds: number) => `Reconnecting in ${number.format(seconds)} s`,
    offline: 'Offline',
    http: 'Over HTTP',
    signedOut: 'Signed out',
    closed: 'Not connected',
  },
  why: {
    live: 'What is written appears here at once.',
    catchingUp:
      'The answer is written faster than this line can carry it. It jumps to where the answer is in a moment.',
    connecting: 'The server is being called.',
    reconnecting: 'The line to the server was lost. What you see stays, and what you miss comes when it is back.',
    offline: 'This device has no network. What you see stays, and what you miss comes when it is back.',
    websocket_blocked:
      'Something between you and the server lets no lasting line through, such as a company network. Text comes over ordinary requests instead: nothing is missing.',
    stream_blocked:
      'Something between you and the server lets no lasting line through. The page asks for news again and again: nothing is missing, but text comes in larger pieces.',
    stream_held_back:
      'Something between you and the server holds back what is sent. The page asks for news again and again: nothing is missing, but text comes in larger pieces.',
    hidden: 'While you look at another tab, this one asks for news only now and then.',
    preferred: 'What is written appears here at once.',
    signedOut: 'Your sign-in has ended. Sign in again to go on.',
    closed: 'The server has ended the connection.',
  },
  retryNow: 'Try now',
  here: (list: readonly string[], others: number, count: number) =>
    `${withOthers(list, others)} ${isOrAre(count)} here`,
  typing: (list: readonly string[], others: number, count: number) =>
    `${withOthers(list, others)} ${isOrAre(count)} typing`,
  countHere: (count: number) => `${number.format(count)} are here`,
  guests: (count: number) => plural(count, { one: 'a guest', other: `${number.format(count)} guests` }),
  guest: 'Guest',
  you: (name: string) => `${name} (you)`,
  moreTabs: (count: number) =>
    `You, in ${plural(count, { one: '1 more tab', other: `${number.format(count)} more tabs` })}`,
  inTabs: (count: number) => `in ${number.format(count)} tabs`,
  whoIsHere: 'Who is here',
  isTyping: 'is typing',
  isReading: 'Go to what they read',
  share: 'Share',
  people: 'People',
  shareTitle: (title: string) => (title === '' ? 'Share this chat' : `Share “${title}”`),
  roles: { owner: 'Owner', editor: 'May write', viewer: 'May read' },
  roleOf: (name: string) => `What ${name} may do`,
  remove: 'Remove',
  removeNamed: (name: string) => `Remove ${name}`,
  leave: 'Leave this chat',
  leaveSure: 'You will need a new invitation to come back.',
  stay: 'Stay',
  add: 'Add somebody',
  addId: 'Their user id',
  addRole: 'They',
  addGo: 'Add',
  links: 'Links',
  linksHint: 'Whoever has a link comes in, also without an account.',
  linkRole: 'Whoever opens it',
  linkTime: 'Good for',
  times: [
    { seconds: 3_600, words: '1 hour' },
    { seconds: 86_400, words: '1 day' },
    { seconds: 604_800, words: '7 days' },
    { seconds: 2_592_000, words: '30 days' },
  ],
  makeLink: 'Make a link',
  newLink: 'New link',
  newLinkHint: 'Copy it now: it is shown this once.',
  goodUntil: (at: number) => `good until ${date.format(at)}`,
  isOver: (at: number) => `ended ${date.format(at)}`,
  usedBy: (list: readonly string[]) => `Used by ${names.format(list)}`,
  unused: 'Nobody has joined by it',
  revoke: 'Revoke',
  revokeLink: (words: string) => `Revoke the link that is ${words}`,
  goneTitle: 'This chat is not open to you',
  goneText: 'It was deleted, or it is not shared with you any more. Ask its owner if you need it.',
  goneGuest: 'The link does not work any more. Ask whoever sent it for a new one.',
  brokenTitle: 'This chat could not be shown',
  brokenText: 'What this page has differs from what the server has. Nothing is lost: open it again.',
  openAgain: 'Open it again',
  newChat: 'New chat',
}
