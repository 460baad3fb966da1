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
  more: 'More actions for this chat',
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
    live: 'New text appears here at once.',
    catchingUp:
      'The answer is written faster than this connection can carry it. In a moment the page jumps to where the answer is.',
    connecting: 'Connecting to the server.',
    reconnecting:
      'The connection to the server was lost. What you see stays, and what you missed arrives when it is back.',
    offline: 'This device has no network. What you see stays, and what you missed arrives when it is back.',
    websocket_blocked:
      'Something between you and the server does not allow a lasting connection; company networks often do this. The text comes through ordinary requests instead: nothing is missing.',
    stream_blocked:
      'Something between you and the server does not allow a lasting connection. The page keeps asking for news: nothing is missing, but the text comes in larger pieces.',
    stream_held_back:
      'Something between you and the server holds back what is sent. The page keeps asking for news: nothing is missing, but the text comes in larger pieces.',
    hidden: 'While you look at another tab, this one asks for news only now and then.',
    preferred: 'New text appears here at once.',
    signedOut: 'Your sign-in has ended. Sign in again to go on.',
    closed: 'The server has ended the connection.',
  },
  retryNow: 'Try now',
  here: (list: readonly string[], others: number, count: number) =>
    `${withOthers(list, others)} ${isOrAre(count)} here`,
  typing: (list: readonly string[], others: number, count: number) =>
    `${withOthers(list, others)} ${isOrAre(count)} typing`,
  countHere: (count: number) => `${number.format(count)} are here`,
  tooManyToName: (count: number) => `${number.format(count)} are here. So many are counted, not named.`,
  guests: (count: number) => plural(count, { one: 'a guest', other: `${number.format(count)} guests` }),
  guest: 'Guest',
  you: (name: string) => `${name} (you)`,
  moreTabs: (count: number) =>
    `You, in ${plural(count, { one: '1 more tab', other: `${number.format(count)} more tabs` })}`,
  inTabs: (count: number) => `in ${number.format(count)} tabs`,
  whoIsHere: 'Who is here',
  isTyping: 'is typing',
  isReading: 'Go to what they are reading',
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
  linksHint: 'Anyone who has a link can open this chat, even without an account.',
  linkRole: 'Anyone who opens it',
  linkTime: 'Valid for',
  times: [
    { seconds: 3_600, words: '1 hour' },
    { seconds: 86_400, words: '1 day' },
    { seconds: 604_800, words: '7 days' },
    { seconds: 2_592_000, words: '30 days' },
  ],
  makeLink: 'Make a link',
  newLink: 'New link',
  newLinkHint: 'Copy it now: it is shown only once.',
  goodUntil: (at: number) => `good until ${date.format(at)}`,
  isOver: (at: number) => `ended ${date.format(at)}`,
  usedBy: (list: readonly string[]) => `Used by ${names.format(list)}`,
  unused: 'Nobody has used it yet',
  revoke: 'Revoke',
  revokeLink: (words: string) => `Revoke the link that is ${words}`,
  goneTitle: 'You cannot open this chat',
  goneText: 'It was deleted, or it is no longer shared with you. Ask its owner if you need it.',
  goneGuest: 'The link no longer works. Ask the person who sent it for a new one.',
  brokenTitle: 'This chat could not be shown',
  brokenText: 'What this page has differs from what the server has. Nothing is lost: open it again.',
  openAgain: 'Open it again',
  newChat: 'New chat',
}
