import type { conversation as en } from '../en/conversation.ts'
import { pluralsOf } from '../plural.ts'

const language = 'de'
const plural = pluralsOf(language)
const whole = new Intl.NumberFormat(language)
const seconds = new Intl.NumberFormat(language, { style: 'unit', unit: 'second', maximumFractionDigits: 1 })
const minutes = new Intl.NumberFormat(language, { style: 'unit', unit: 'minute' })
const clock = new Intl.DateTimeFormat(language, { timeStyle: 'short' })
const day = new Intl.DateTimeFormat(language, { dateStyle: 'full', timeStyle: 'medium' })

export const conversation: typeof en = {
  label: 'Gespräch',
  older: 'Ältere Nachrichten zeigen',
  greeting: 'Was möchten Sie wissen?',
  question: 'Frage',
  answer: 'Antwort',

  clock: (at) => clock.format(at),
  moment: (at) => day.format(at),
  duration: (ms) =>
    ms < 60_000
      ? seconds.format(Math.max(ms / 1_000, 0.1))
      : `${minutes.format(Math.floor(ms / 60_000))} ${seconds.format(Math.round((ms % 60_000) / 1_000))}`,

  regenerate: 'Noch einmal versuchen',
  regenerateWith: 'Mit einem anderen Modell versuchen …',
  continue: 'Fortsetzen',
  edit: 'Ändern',
  delete: 'Löschen',
  copy: 'Kopieren',
  copyMarkdown: 'Als Markdown kopieren',
  copyText: 'Als reinen Text kopieren',
  copyLink: 'Link zu dieser Nachricht kopieren',
  copied: 'Kopiert',
  notCopied: 'Das konnte nicht kopiert werden. Markieren Sie den Text und kopieren Sie ihn mit der Tastatur.',
  details: 'Einzelheiten',
  more: 'Weitere Aktionen für diese Nachricht',
  models: 'Modelle',

  questionDeleted: 'Frage mit ihren Antworten gelöscht',
  answerDeleted: 'Antwort und alles danach gelöscht',

  versions: 'Fassungen dieser Nachricht',
  previous: 'Vorige Fassung',
  next: 'Nächste Fassung',
  version: (place, count) => `Fassung ${place} von ${count}`,
  besides: (count) =>
    plural(count, {
      one: 'Eine andere Fassung wird noch geschrieben',
      other: `${whole.format(count)} andere Fassungen werden noch geschrieben`,
    }),
  show: 'Zeigen',
  stop: 'Anhalten',

  queued: 'Wartet, bis sie an der Reihe ist',
  queuedAt: (place) =>
    place === 1 ? 'Ist als Nächste an der Reihe' : `Ist Nummer ${whole.format(place)} in der Reihe`,
  preparing: 'Wird vorbereitet',
  thinking: 'Wird geschrieben',
  waitsForApproval: 'Wartet auf eine Zustimmung',
  waitsForResult: 'Wartet auf ein Ergebnis',
  toolRuns: 'Ein Werkzeug arbeitet',
  catchingUp: 'Holt auf',
  stopped: 'Angehalten',
  stoppedBy: (name) => `Angehalten von ${name}`,
  stoppedByYou: 'Von Ihnen angehalten',
  failed: 'Diese Antwort ist fehlgeschlagen.',
  interrupted: 'Diese Antwort wurde unterbrochen.',
  cut: 'Diese Antwort hat die größte erlaubte Länge erreicht.',
  empty: 'Das Modell hat eine leere Antwort gegeben.',
  filtered: 'Der Filter des Anbieters hat diese Antwort beendet.',
  askedAnewBy: (name) => `Noch einmal gefragt von ${name}`,
  editedBy: (name) => `Geändert von ${name}`,

  editLabel: 'Die Frage ändern',
  editNote: 'Die Frage wird noch einmal gestellt. Ihre frühere Fassung bleibt.',
  editSend: 'Noch einmal fragen',
  files: 'Dateien der Frage',

  time: 'Geschrieben',
  model: 'Modell',
  took: 'Dauer',
  firstWords: 'Erste Worte nach',
  tokens: 'Token',
  tokenCount: (count) => whole.format(count),
  tokensIn: 'davon gelesen',
  tokensOut: 'davon geschrieben',
  tokensThought: 'davon zum Nachdenken',
  tokensKept: 'davon aus dem Zwischenspeicher',
  unknown: 'Nicht bekannt',

  export: 'Diesen Chat als Datei sichern',
  exportAll: { markdown: 'Alles als Markdown sichern', json: 'Alles als JSON sichern', html: 'Alles als HTML sichern' },
  exportShown: {
    markdown: 'Nur das Gezeigte als Markdown sichern',
    json: 'Nur das Gezeigte als JSON sichern',
    html: 'Nur das Gezeigte als HTML sichern',
  },

  sideBySide: 'Fassungen nebeneinander zeigen',
  columns: 'Antworten nebeneinander',
  goOnWith: 'Mit dieser fortfahren',
  goesOn: 'Ihre nächste Frage schließt an diese Antwort an',
  closeColumns: 'Eine Antwort zeigen',
}
