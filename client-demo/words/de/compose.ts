import type { ModelInfo } from '@runnel/client'
import type { compose as en } from '../en/compose.ts'
import { pluralsOf } from '../plural.ts'

const plural = pluralsOf('de')
const number = new Intl.NumberFormat('de')
const inKb = new Intl.NumberFormat('de', { style: 'unit', unit: 'kilobyte', maximumFractionDigits: 0 })
const inMb = new Intl.NumberFormat('de', { style: 'unit', unit: 'megabyte', maximumFractionDigits: 1 })
const compact = new Intl.NumberFormat('de', { notation: 'compact' })

export const compose: typeof en = {
  placeholder: 'Fragen Sie etwas',
  placeholderBehind: 'Stellen Sie die nächste Frage',
  dropHere: 'Dateien hier ablegen, um sie anzuhängen',
  hint: 'Enter sendet · Umschalt+Enter für eine neue Zeile',
  send: 'Senden',
  stop: 'Anhalten',
  save: 'Speichern',
  edit: 'Ändern',
  remove: 'Entfernen',

  attach: 'Dateien anhängen',
  files: 'Angehängte Dateien',
  countFiles: (count: number) => plural(count, { one: '1 Datei', other: `${number.format(count)} Dateien` }),
  size: (bytes: number) => (bytes < 1e6 ? inKb.format(Math.ceil(bytes / 1e3)) : inMb.format(bytes / 1e6)),
  uploading: (percent: number) => `Wird hochgeladen, ${percent} %`,
  removeFile: (name: string) => `${name} entfernen`,
  tooLarge: (bytes: number, most: number) =>
    `Nicht angehängt: Die Datei hat ${inMb.format(bytes / 1e6)}, erlaubt sind ${inMb.format(most / 1e6)}. Hängen Sie eine kleinere an.`,

  model: 'Modell',
  models: (count: number) => `${count} Modelle`,
  modelIs: (name: string) => `Modell: ${name}`,
  modelTitle: 'Modelle',
  searchModels: 'Modelle suchen',
  noModel: 'Kein Modell hat diesen Namen.',
  modelFacts: ({ provider, images, tools, reasoning, contextTokens }: ModelInfo) =>
    [
      provider,
      images && 'liest Bilder',
      tools && 'benutzt Werkzeuge',
      reasoning && 'denkt zuerst nach',
      contextTokens !== undefined && `${compact.format(contextTokens)} Token Kontext`,
    ]
      .filter(Boolean)
      .join(' · '),
  several: 'Mehrere nebeneinander fragen',
  severalNote: (most: number) => `Bis zu ${most} beantworten dieselbe Frage, jedes in einer Spalte.`,

  tools: 'Werkzeuge',
  toolsAre: (count: number) =>
    plural(count, { one: 'Darf 1 Werkzeug benutzen', other: `Darf ${number.format(count)} Werkzeuge benutzen` }),
  toolsTitle: 'Werkzeuge, die das Modell benutzen darf',
  ownTools: 'Eingebaut',
  asksFirst: { always: 'Fragt Sie vorher', depends: 'Fragt Sie eventuell vorher' },
  serverAway: (name: string) => `${name} ist im Moment nicht erreichbar.`,

  waits: 'Wartende Nachrichten',
  who: {
    next: (name: string | null) => (name === null ? 'Als Nächstes:' : `Als Nächstes, von ${name}:`),
    later: (name: string | null) => (name === null ? 'Danach:' : `Danach, von ${name}:`),
  },
  sendNow: 'Jetzt senden',
  moveUp: 'Nach oben',
  moveDown: 'Nach unten',
  editWaiting: 'Wartende Frage ändern',
  notWaiting: 'Diese Nachricht wartet nicht mehr: Sie wurde gesendet oder entfernt.',
  removed: 'Aus der Warteschlange entfernt',
  notSent: (reason: string) => `Nicht gesendet: ${reason} Senden Sie es noch einmal, ändern oder entfernen Sie es.`,

  onTheWay: 'Unterwegs',
  sending: 'Wird gesendet …',
  waitsOffline: 'Wartet, bis Sie online sind:',
  waitsForLine: 'Wartet auf die Verbindung:',
  tooManyWait: (most: number) => `${most} Fragen warten schon auf die Verbindung. Ihr Text bleibt hier stehen.`,
}
