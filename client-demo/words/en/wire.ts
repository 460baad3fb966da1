import { pluralsOf } from '../plural.ts'

const plural = pluralsOf('en')
const number = new Intl.NumberFormat('en', { maximumSignificantDigits: 3 })

function bytes(count: number): string {
  if (count < 1_000) return `${count} B`
  return count < 1_000_000 ? `${number.format(count / 1_000)} kB` : `${number.format(count / 1_000_000)} MB`
}

/** The panel for curious people: here technical terms are what they look for. */
export const wire = {
  open: 'Show what the connection carries',
  close: 'Hide what the connection carries',
  title: 'What this tab received',
  nothing: 'Ask something, and watch what it costs.',
  chart: 'Bytes received, by the length of the text',
  explained:
    'Counted since you opened this panel. The two upper lines show what the same text would have cost if each update were the whole message, or one JSON event.',
  bytes,
  whole: (size: string) => `whole message each time: ${size}`,
  deltas: (size: string) => `JSON deltas: ${size}`,
  received: (size: string, text: string) => `Runnel: ${size} for ${text} of text`,
  transport: 'Transport',
  transports: { websocket: 'WebSocket', stream: 'HTTP stream', poll: 'HTTP polls' },
  down: 'reconnecting',
  frames: 'Updates a second',
  paint: 'Arrival to screen',
  ms: (ms: number) => `${Math.round(ms)} ms`,
  stateVector: 'State vector',
  entries: (count: number) => plural(count, { one: `${count} entry`, other: `${count} entries` }),
  checkpoint: 'Last checkpoint',
  checkpoints: { none: '–', equal: 'equal', differs: 'differs: loading again', mended: 'mended' },
  caughtUp: 'Caught up by one difference',
  cut: 'Cut the line',
  offline: 'Offline 5 s',
  slow: 'Read slowly 5 s',
  corrupt: 'Damage my copy',
  change: 'Change transport',
  anyTransport: 'Whatever passes',
  secondTab: 'Open a second tab',
}
