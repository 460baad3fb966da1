export const page = {
  title: {
    plain: (name: string) => (name === '' ? 'Runnel' : `${name} · Runnel`),
    runs: (name: string) => `● ${name} · Runnel`,
    waits: (name: string) => `(!) ${name} · Runnel`,
    ended: (name: string) => `✓ ${name} · Runnel`,
  },
  notices: {
    ask: 'Diese Antwort dauert etwas. Soll der Browser Sie benachrichtigen, wenn sie fertig ist oder Sie braucht?',
    yes: 'Ja, bitte',
    no: 'Nein, danke',
    ready: 'Die Antwort ist fertig.',
    failed: 'Die Antwort ist nicht fertig geworden.',
    waits: 'Die Antwort wartet auf Ihre Zustimmung.',
  },
  broken:
    'Ein Teil dieser Seite wurde nicht geladen. Vielleicht gibt es eine neue Fassung, oder die Verbindung ist abgebrochen.',
  reload: 'Seite neu laden',

  settings: {
    title: 'Einstellungen',
    language: 'Sprache',
    languages: { browser: 'Wie der Browser', en: 'English', de: 'Deutsch' },
    scheme: 'Farben',
    schemes: { system: 'Wie das System', light: 'Hell', dark: 'Dunkel' },
    notices: 'Hinweise',
    noticesOn:
      'Der Browser benachrichtigt Sie, wenn eine Antwort fertig ist oder Sie braucht, während Sie etwas anderes ansehen.',
    noticesOff: 'Der Browser benachrichtigt Sie nicht, wenn eine Antwort fertig ist.',
    noticesBlocked:
      'Ihr Browser blockiert Hinweise dieser Seite. Erlauben Sie sie in den Einstellungen des Browsers für diese Website.',
    noticesNone: 'Dieser Browser kann hier keine Hinweise anzeigen.',
    turnOn: 'Einschalten',
    turnOff: 'Ausschalten',
    keys: 'Alle Tasten zeigen',
  },

  keys: {
    title: 'Tasten',
    groups: [
      {
        name: 'Überall',
        keys: [
          ['mod+K', 'Chats durchsuchen'],
          ['mod+Shift+O', 'Neuer Chat'],
          ['?', 'Diese Übersicht zeigen'],
          ['Escape', 'Schließen, was offen ist'],
        ],
      },
      {
        name: 'Schreiben',
        keys: [
          ['Enter', 'Senden'],
          ['Shift+Enter', 'Neue Zeile'],
          ['↑', 'Die letzte Frage bearbeiten, im leeren Feld'],
        ],
      },
      {
        name: 'Lesen',
        keys: [
          ['Home', 'Zum Anfang'],
          ['End', 'Zum Ende'],
          ['Page Up', 'Eine Seite nach oben'],
          ['Page Down', 'Eine Seite nach unten'],
        ],
      },
      {
        name: 'In der Liste',
        keys: [
          ['↑ ↓', 'Von Chat zu Chat'],
          ['Enter', 'Öffnen'],
          ['F2', 'Umbenennen'],
          ['Delete', 'Löschen'],
        ],
      },
    ],
  },
}
