import type { wire as en } from '../en/wire.ts'
import { pluralsOf } from '../plural.ts'

const plural = pluralsOf('de')
const number = new Intl.NumberFormat('de', { maximumSignificantDigits: 3 })

function bytes(count: number): string {
  if (count < 1_000) return `${count} B`
  return count < 1_000_000 ? `${number.format(count / 1_000)} kB` : `${number.format(count / 1_000_000)} MB`
}

export const wire: typeof en = {
  open: 'Zeigen, was übertragen wird',
  close: 'Nicht mehr zeigen, was übertragen wird',
  title: 'Was dieser Tab empfangen hat',
  nothing: 'Fragen Sie etwas und sehen Sie, was es kostet.',
  chart: 'Empfangene Bytes nach der Länge des Textes',
  explained:
    'Gezählt, seit Sie dies geöffnet haben. Die beiden oberen Linien zeigen, was derselbe Text gekostet hätte, wenn jedes Mal die ganze Nachricht oder ein JSON-Ereignis käme.',
  bytes,
  whole: (size) => `jedes Mal die ganze Nachricht: ${size}`,
  deltas: (size) => `JSON-Deltas: ${size}`,
  received: (size, text) => `Runnel: ${size} für ${text} Text`,
  transport: 'Transport',
  transports: { websocket: 'WebSocket', stream: 'HTTP-Strom', poll: 'HTTP-Abfragen' },
  down: 'verbindet sich neu',
  frames: 'Änderungen je Sekunde',
  paint: 'Von der Ankunft zum Bild',
  ms: (ms) => `${Math.round(ms)} ms`,
  stateVector: 'Zustandsvektor',
  entries: (count) => plural(count, { one: `${count} Eintrag`, other: `${count} Einträge` }),
  checkpoint: 'Letzter Vergleich',
  checkpoints: { none: '–', equal: 'gleich', differs: 'verschieden: wird neu geladen', mended: 'repariert' },
  caughtUp: 'Mit einer Differenz nachgeholt',
  cut: 'Leitung trennen',
  offline: '5 s ohne Netz',
  slow: '5 s langsam lesen',
  corrupt: 'Meine Kopie beschädigen',
  change: 'Transport wechseln',
  anyTransport: 'Was durchkommt',
  secondTab: 'Zweiten Tab öffnen',
}
