import { pluralsOf } from '../plural.ts'

const language = 'en'
const plural = pluralsOf(language)
const whole = new Intl.NumberFormat(language)
const seconds = new Intl.NumberFormat(language, { style: 'unit', unit: 'second', maximumFractionDigits: 1 })
const minutes = new Intl.NumberFormat(language, { style: 'unit', unit: 'minute' })
const clock = new Intl.DateTimeFormat(language, { timeStyle: 'short' })
const day = new Intl.DateTimeFormat(language, { dateStyle: 'full', timeStyle: 'medium' })

export const conversation = {
  label: 'Conversation',
  older: 'Show older messages',
  greeting: 'What would you like to know?',
  question: 'Question',
  answer: 'Answer',

  clock: (at: number) => clock.format(at),
  moment: (at: number) => day.format(at),
  duration: (ms: number) =>
    ms < 60_000
      ? seconds.format(Math.max(ms / 1_000, 0.1))
      : `${minutes.format(Math.floor(ms / 60_000))} ${seconds.format(Math.round((ms % 60_000) / 1_000))}`,

  regenerate: 'Try again',
  regenerateWith: 'Try again with another model …',
  continue: 'Continue',
  edit: 'Edit',
  delete: 'Delete',
  copy: 'Copy',
  copyMarkdown: 'Copy as Markdown',
  copyText: 'Copy as plain text',
  copyLink: 'Copy link to this message',
  copied: 'Copied',
  notCopied: 'This could not be copied. Select the text and copy it with the keyboard.',
  details: 'Details',
  more: 'More actions for this message',
  models: 'Models',

  questionDeleted: 'Question deleted, with its answers',
  answerDeleted: 'Answer deleted, with everything after it',

  versions: 'Versions of this message',
  previous: 'Previous version',
  next: 'Next version',
  version: (place: number, count: number) => `Version ${place} of ${count}`,
  besides: (count: number) =>
    plural(count, {
      one: 'Another version is still being written',
      other: `${whole.format(count)} other versions are still being written`,
    }),
  show: 'Show',
  stop: 'Stop',

  queued: 'Waiting for its turn',
  queuedAt: (place: number) => (place === 1 ? 'Next in line' : `Number ${whole.format(place)} in line`),
  preparing: 'Being prepared',
  thinking: 'Being written',
  waitsForApproval: 'Waiting for approval',
  waitsForResult: 'Waiting for a result',
  toolRuns: 'A tool is at work',
  catchingUp: 'Catching up',
  stopped: 'Stopped',
  stoppedBy: (name: string) => `Stopped by ${name}`,
  stoppedByYou: 'Stopped by you',
  failed: 'This answer failed.',
  interrupted: 'This answer was interrupted.',
  cut: 'This answer was cut off at its length limit.',
  empty: 'The model gave an empty answer.',
  filtered: 'The provider’s filter ended this answer.',
  askedAnewBy: (name: string) => `Asked again by ${name}`,
  editedBy: (name: string) => `Changed by ${name}`,

  editLabel: 'Change the question',
  editNote: 'The question is asked again. Its earlier version stays.',
  editSend: 'Ask again',
  files: 'Files of the question',

  time: 'Written',
  model: 'Model',
  took: 'Took',
  firstWords: 'First words after',
  tokens: 'Tokens',
  tokenCount: (count: number) => whole.format(count),
  tokensIn: 'of them read',
  tokensOut: 'of them written',
  tokensThought: 'of these for thinking',
  tokensKept: 'of these from the cache',
  unknown: 'Not known',

  export: 'Save this chat as a file',
  exportAll: { markdown: 'Save all as Markdown', json: 'Save all as JSON', html: 'Save all as HTML' },
  exportShown: {
    markdown: 'Save what is shown as Markdown',
    json: 'Save what is shown as JSON',
    html: 'Save what is shown as HTML',
  },

  sideBySide: 'Show versions side by side',
  columns: 'Answers side by side',
  goOnWith: 'Go on with this one',
  goesOn: 'Your next question will follow this one',
  closeColumns: 'Show one answer',
}
