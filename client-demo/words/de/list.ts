import { timesOf } from '../times.ts'

export const list = {
  label: 'Chats',
  newChat: 'Neuer Chat',
  untitled: 'Chat ohne Titel',
  close: 'Liste schließen',
  fold: 'Liste ausblenden',
  settings: 'Einstellungen',

  greeting: {
    title: 'Was möchten Sie wissen?',
    what: 'Fragen Sie ein Modell, was Sie wollen. Die Antwort erscheint, während sie entsteht, hier und in jedem anderen Tab, und läuft weiter, wenn Sie diesen schließen. Teilen Sie einen Chat, und andere lesen mit.',
    examplesLabel: 'Beispiele',
    examples: [
      'Erkläre, wie Gezeiten entstehen, mit einer Tabelle zu Spring- und Nipptiden.',
      'Schreibe ein kleines Python-Programm, das Fotos nach dem Tag der Aufnahme benennt.',
      'Hilf mir, drei ruhige Tage in Porto im November zu planen.',
    ],
  },

  search: 'Chats durchsuchen',
  found: 'Gefundene Chats',
  nothingFound: (words: string) =>
    `Kein Chat enthält „${words}“ im Titel oder Text. Versuchen Sie es mit weniger oder anderen Wörtern.`,
  empty: 'Noch keine Chats. Mit der ersten Frage entsteht einer.',
  more: 'Weitere Chats zeigen',

  pinned: 'Angeheftet',
  open: 'Jetzt offen',
  times: timesOf('de'),

  runs: 'Eine Antwort wird geschrieben',
  waits: 'Wartet auf Sie',
  unread: 'Ungelesen',

  actsOf: (title: string) => `Aktionen für „${title}“`,
  rename: 'Umbenennen',
  newTitle: 'Neuer Titel',
  pin: 'Anheften',
  unpin: 'Nicht mehr anheften',
  remove: 'Löschen',
  removed: (title: string) => `„${title}“ wurde gelöscht.`,
}
