import type { blocks as en } from '../en/blocks.ts'

const number = new Intl.NumberFormat('de')
const tenths = new Intl.NumberFormat('de', { maximumFractionDigits: 1 })

export const blocks: typeof en = {
  duration: (ms) => {
    if (ms < 9_950) return `${tenths.format(ms / 1_000)} s`
    const seconds = Math.round(ms / 1_000)
    return seconds < 60 ? `${seconds} s` : `${number.format(Math.floor(seconds / 60))} min ${seconds % 60} s`
  },
  size: (bytes) => {
    if (bytes < 1_000) return `${bytes} Byte`
    return bytes < 1_000_000 ? `${Math.round(bytes / 1_000)} kB` : `${tenths.format(bytes / 1_000_000)} MB`
  },
  characters: (count) => `${number.format(count)} Zeichen`,
  reasoning: {
    live: 'Denkt nach',
    liveFor: (time) => `Denkt seit ${time} nach`,
    over: 'Gedanken',
    overAfter: (time) => `Hat ${time} nachgedacht`,
  },
  call: {
    state: {
      streaming: 'wird vorbereitet',
      pending: 'ist als Nächstes dran',
      awaiting_approval: 'wartet auf Zustimmung',
      running: 'läuft',
      completed: 'fertig',
      failed: 'fehlgeschlagen',
      denied: 'nicht erlaubt',
      cancelled: 'abgebrochen',
    },
    notRun: 'wurde nicht ausgeführt',
    wantsYou: 'braucht Ihre Zustimmung',
    wantsResult: 'wartet auf sein Ergebnis',
    wantsYourResult: 'braucht ein Ergebnis von Ihnen',
    needed: (place, all) => `${number.format(place)} von ${number.format(all)} nötig`,
    arguments: 'Argumente',
    originalArguments: 'Was das Modell verlangt hat',
    result: 'Ergebnis',
    longResult: (length) => `Ergebnis, ${length}`,
    by: {
      approved: (name) => `Genehmigt von ${name}`,
      changed: (name) => `Geändert und genehmigt von ${name}`,
      denied: (name) => `Abgelehnt von ${name}`,
      answered: (name) => `Beantwortet von ${name}`,
      approvedByYou: 'Sie haben zugestimmt',
      changedByYou: 'Sie haben es geändert und zugestimmt',
      deniedByYou: 'Sie haben abgelehnt',
      answeredByYou: 'Sie haben es beantwortet',
    },
    approve: 'Zustimmen',
    edit: 'Ändern, dann zustimmen',
    deny: 'Ablehnen …',
    denyNow: 'Ablehnen',
    reason: 'Warum nicht? Das Modell erfährt den Grund. (freiwillig)',
    newArguments: 'Neue Argumente',
    approveChanged: 'Mit diesen zustimmen',
    whatResult: (name) => `Was ist das Ergebnis von ${name}?`,
    sendResult: 'Ergebnis senden',
    sendAsText: 'Als Text senden',
    isNoJson: 'Das ist kein JSON. Soll es als einfacher Text gesendet werden?',
    keepEditing: 'Weiter bearbeiten',
    mustBeObject: 'Die Argumente müssen ein Objekt zwischen { und } sein.',
  },
  jsonFault: {
    value: 'ein Wert fehlt oder ist falsch geschrieben',
    name: 'ein Name in "Anführungszeichen" fehlt',
    colon: 'nach dem Namen fehlt ein Doppelpunkt',
    comma: 'ein Komma oder die schließende Klammer fehlt',
    text: 'ein Text in Anführungszeichen endet nicht oder hat ein Zeichen, das mit \\ geschrieben werden muss',
    more: 'nach dem Ende steht noch etwas',
    end: 'es hört zu früh auf',
  },
  jsonFaultAt: (line, column, what) => `Zeile ${number.format(line)}, Zeichen ${number.format(column)}: ${what}.`,
  sources: {
    label: 'Quellen',
    cited: (place, title) => `Quelle ${number.format(place)}: ${title}`,
  },
  file: {
    preview: 'Vorschau',
    hidePreview: 'Vorschau schließen',
    download: 'Herunterladen',
    open: 'Öffnen',
    enlarge: (name) => `${name} groß zeigen`,
    cut: (shown) => `Zu sehen sind die ersten ${shown}. Laden Sie die Datei herunter, um alles zu sehen.`,
  },
  embed: (host) => `Eingebettete Seite von ${host}`,
  refusal: 'Das Modell wollte nicht antworten. Fragen Sie in anderen Worten oder ein anderes Modell.',
  unknown:
    'Ein Teil dieser Antwort ist von einer Art, die diese Seite noch nicht kennt. Laden Sie die Seite neu, um ihn zu sehen.',
  reload: 'Seite neu laden',
  details: 'Der Server sagt:',
}
