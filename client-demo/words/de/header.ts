import { pluralsOf } from '../plural.ts'

const plural = pluralsOf('de')
const number = new Intl.NumberFormat('de')
const names = new Intl.ListFormat('de')
const date = new Intl.DateTimeFormat('de', { dateStyle: 'medium', timeStyle: 'short' })
const isOrAre = (count: number) => (count === 1 ? 'ist' : 'sind')
const withOthers = (list: readonly string[], others: number) =>
  names.format(
    others === 0
      ? list
      : [...list, plural(others, { one: '1 weitere Person', other: `${number.format(others)} weitere` })],
  )

export const header = {
  openList: 'Chats',
  untitled: 'Chat ohne Titel',
  more: 'Weitere Aktionen für diesen Chat',
  rename: 'Diesen Chat umbenennen',
  titleLabel: 'Titel dieses Chats',
  connection: 'Verbindung',
  state: {
    live: 'Live',
    catchingUp: 'Holt auf',
    connecting: 'Verbindet',
    reconnecting: (seconds: number) => `Neue Verbindung in ${number.format(seconds)} s`,
    offline: 'Offline',
    http: 'Über HTTP',
    signedOut: 'Abgemeldet',
    closed: 'Nicht verbunden',
  },
  why: {
    live: 'Was geschrieben wird, erscheint hier sofort.',
    catchingUp:
      'Die Antwort wird schneller geschrieben, als diese Verbindung trägt. Gleich springt sie dorthin, wo die Antwort ist.',
    connecting: 'Die Verbindung zum Server wird aufgebaut.',
    reconnecting:
      'Die Verbindung zum Server ist abgerissen. Was Sie sehen, bleibt. Was fehlt, kommt, sobald sie wieder steht.',
    offline: 'Dieses Gerät hat kein Netz. Was Sie sehen, bleibt. Was fehlt, kommt, sobald es wieder da ist.',
    websocket_blocked:
      'Etwas zwischen Ihnen und dem Server lässt keine dauerhafte Verbindung zu, etwa ein Firmennetz. Der Text kommt stattdessen über gewöhnliche Anfragen: Es fehlt nichts.',
    stream_blocked:
      'Etwas zwischen Ihnen und dem Server lässt keine dauerhafte Verbindung zu. Die Seite fragt immer wieder nach Neuem: Es fehlt nichts, aber der Text kommt in größeren Stücken.',
    stream_held_back:
      'Etwas zwischen Ihnen und dem Server hält zurück, was gesendet wird. Die Seite fragt immer wieder nach Neuem: Es fehlt nichts, aber der Text kommt in größeren Stücken.',
    hidden: 'Während Sie einen anderen Tab ansehen, fragt dieser nur ab und zu nach Neuem.',
    preferred: 'Was geschrieben wird, erscheint hier sofort.',
    signedOut: 'Ihre Anmeldung ist abgelaufen. Melden Sie sich erneut an.',
    closed: 'Der Server hat die Verbindung beendet.',
  },
  retryNow: 'Jetzt versuchen',
  here: (list: readonly string[], others: number, count: number) =>
    `${withOthers(list, others)} ${isOrAre(count)} hier`,
  typing: (list: readonly string[], others: number, count: number) =>
    `${withOthers(list, others)} ${count === 1 ? 'schreibt' : 'schreiben'}`,
  countHere: (count: number) => `${number.format(count)} sind hier`,
  tooManyToName: (count: number) => `${number.format(count)} sind hier. So viele werden gezählt, nicht genannt.`,
  guests: (count: number) => plural(count, { one: 'ein Gast', other: `${number.format(count)} Gäste` }),
  guest: 'Gast',
  you: (name: string) => `${name} (Sie)`,
  moreTabs: (count: number) =>
    `Sie, in ${plural(count, { one: '1 weiteren Tab', other: `${number.format(count)} weiteren Tabs` })}`,
  inTabs: (count: number) => `in ${number.format(count)} Tabs`,
  whoIsHere: 'Wer hier ist',
  isTyping: 'schreibt',
  isReading: 'Zur gelesenen Stelle',
  share: 'Teilen',
  people: 'Personen',
  shareTitle: (title: string) => (title === '' ? 'Diesen Chat teilen' : `„${title}“ teilen`),
  roles: { owner: 'Besitzt den Chat', editor: 'Darf schreiben', viewer: 'Darf lesen' },
  roleOf: (name: string) => `Was ${name} darf`,
  remove: 'Entfernen',
  removeNamed: (name: string) => `${name} entfernen`,
  leave: 'Diesen Chat verlassen',
  leaveSure: 'Um zurückzukommen, brauchen Sie eine neue Einladung.',
  stay: 'Bleiben',
  add: 'Jemanden hinzufügen',
  addId: 'Benutzerkennung',
  addRole: 'Rechte dieser Person',
  addGo: 'Hinzufügen',
  links: 'Links',
  linksHint: 'Wer einen Link hat, kann diesen Chat öffnen, auch ohne Konto.',
  linkRole: 'Wer ihn öffnet',
  linkTime: 'Gültig für',
  times: [
    { seconds: 3_600, words: '1 Stunde' },
    { seconds: 86_400, words: '1 Tag' },
    { seconds: 604_800, words: '7 Tage' },
    { seconds: 2_592_000, words: '30 Tage' },
  ],
  makeLink: 'Link erstellen',
  newLink: 'Neuer Link',
  newLinkHint: 'Kopieren Sie ihn jetzt: Er wird nur dieses eine Mal gezeigt.',
  goodUntil: (at: number) => `gültig bis ${date.format(at)}`,
  isOver: (at: number) => `abgelaufen am ${date.format(at)}`,
  usedBy: (list: readonly string[]) => `Benutzt von ${names.format(list)}`,
  unused: 'Noch von niemandem benutzt',
  revoke: 'Widerrufen',
  revokeLink: (words: string) => `Den Link widerrufen, der ${words} ist`,
  goneTitle: 'Sie können diesen Chat nicht öffnen',
  goneText: 'Er wurde gelöscht oder wird nicht mehr mit Ihnen geteilt. Fragen Sie die Person, der er gehört.',
  goneGuest: 'Der Link funktioniert nicht mehr. Bitten Sie um einen neuen.',
  brokenTitle: 'Dieser Chat konnte nicht angezeigt werden',
  brokenText: 'Was diese Seite hat, weicht von dem ab, was der Server hat. Nichts ist verloren: Öffnen Sie ihn erneut.',
  openAgain: 'Erneut öffnen',
  newChat: 'Neuer Chat',
}
