import type { ModelInfo } from '@runnel/client'
import { pluralsOf } from '../plural.ts'

const plural = pluralsOf('en')
const number = new Intl.NumberFormat('en')
const inKb = new Intl.NumberFormat('en', { style: 'unit', unit: 'kilobyte', maximumFractionDigits: 0 })
const inMb = new Intl.NumberFormat('en', { style: 'unit', unit: 'megabyte', maximumFractionDigits: 1 })
const compact = new Intl.NumberFormat('en', { notation: 'compact' })

export const compose = {
  placeholder: 'Ask anything',
  placeholderBehind: 'Ask the next question',
  dropHere: 'Drop the files to attach them',
  hint: 'Enter sends · Shift+Enter for a new line',
  send: 'Send',
  stop: 'Stop',
  save: 'Save',
  edit: 'Edit',
  remove: 'Remove',

  attach: 'Attach files',
  files: 'Attached files',
  countFiles: (count: number) => plural(count, { one: '1 file', other: `${number.format(count)} files` }),
  size: (bytes: number) => (bytes < 1e6 ? inKb.format(Math.ceil(bytes / 1e3)) : inMb.format(bytes / 1e6)),
  uploading: (percent: number) => `Uploading, ${percent} %`,
  removeFile: (name: string) => `Remove ${name}`,
  tooLarge: (bytes: number, most: number) =>
    `Not attached: it is ${inMb.format(bytes / 1e6)} large, and the limit is ${inMb.format(most / 1e6)}. Attach a smaller file.`,

  model: 'Model',
  models: (count: number) => `${count} models`,
  modelIs: (name: string) => `Model: ${name}`,
  modelTitle: 'Models',
  searchModels: 'Search models',
  noModel: 'No model has this name.',
  modelFacts: ({ provider, images, tools, reasoning, contextTokens }: ModelInfo) =>
    [
      provider,
      images && 'reads images',
      tools && 'uses tools',
      reasoning && 'thinks first',
      contextTokens !== undefined && `${compact.format(contextTokens)} tokens of context`,
    ]
      .filter(Boolean)
      .join(' · '),
  several: 'Ask several side by side',
  severalNote: (most: number) => `Up to ${most} models answer the same question in columns.`,

  tools: 'Tools',
  toolsAre: (count: number) => plural(count, { one: 'May use 1 tool', other: `May use ${number.format(count)} tools` }),
  toolsTitle: 'Tools the model may use',
  ownTools: 'Built in',
  asksFirst: { always: 'Asks you first', depends: 'May ask you first' },
  serverAway: (name: string) => `${name} cannot be reached right now.`,

  waits: 'Waiting to be sent',
  who: {
    next: (name: string | null) => (name === null ? 'Next:' : `Next, from ${name}:`),
    later: (name: string | null) => (name === null ? 'Then:' : `Then, from ${name}:`),
  },
  sendNow: 'Send now',
  moveUp: 'Move up',
  moveDown: 'Move down',
  editWaiting: 'Change the waiting message',
  notWaiting: 'This message is no longer waiting: it was sent or removed.',
  removed: 'Removed from the queue',
  notSent: (reason: string) => `Not sent: ${reason} Send it again, change it, or remove it.`,

  onTheWay: 'On the way',
  sending: 'Sending …',
  waitsOffline: 'Waiting until you are online:',
  waitsForLine: 'Waiting for the connection:',
  tooManyWait: (most: number) => `${most} questions are already waiting for the connection. Your text stays here.`,
}
