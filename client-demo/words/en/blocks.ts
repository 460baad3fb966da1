import { pluralsOf } from '../plural.ts'

const plural = pluralsOf('en')
const number = new Intl.NumberFormat('en')
const tenths = new Intl.NumberFormat('en', { maximumFractionDigits: 1 })

export const blocks = {
  duration: (ms: number) => {
    if (ms < 9_950) return `${tenths.format(ms / 1_000)} s`
    const seconds = Math.round(ms / 1_000)
    return seconds < 60 ? `${seconds} s` : `${number.format(Math.floor(seconds / 60))} min ${seconds % 60} s`
  },
  size: (bytes: number) => {
    if (bytes < 1_000) return plural(bytes, { one: '1 byte', other: `${bytes} bytes` })
    return bytes < 1_000_000 ? `${Math.round(bytes / 1_000)} kB` : `${tenths.format(bytes / 1_000_000)} MB`
  },
  characters: (count: number) => plural(count, { one: '1 character', other: `${number.format(count)} characters` }),
  reasoning: {
    live: 'Thinking',
    liveFor: (time: string) => `Thinking for ${time}`,
    over: 'Thoughts',
    overAfter: (time: string) => `Thought for ${time}`,
  },
  call: {
    state: {
      streaming: 'is being prepared',
      pending: 'is next',
      awaiting_approval: 'waits for approval',
      running: 'is running',
      completed: 'done',
      failed: 'failed',
      denied: 'not allowed',
      cancelled: 'cancelled',
    },
    notRun: 'was not run',
    wantsYou: 'wants your approval',
    wantsResult: 'waits for a result',
    wantsYourResult: 'wants a result from you',
    needed: (place: number, all: number) => `${number.format(place)} of ${number.format(all)} needed`,
    arguments: 'Arguments',
    originalArguments: 'What the model asked for',
    result: 'Result',
    longResult: (length: string) => `Result, ${length}`,
    by: {
      approved: (name: string) => `Approved by ${name}`,
      changed: (name: string) => `Changed and approved by ${name}`,
      denied: (name: string) => `Denied by ${name}`,
      answered: (name: string) => `Answered by ${name}`,
      approvedByYou: 'Approved by you',
      changedByYou: 'Changed and approved by you',
      deniedByYou: 'Denied by you',
      answeredByYou: 'Answered by you',
    },
    approve: 'Approve',
    edit: 'Edit, then approve',
    deny: 'Deny …',
    denyNow: 'Deny',
    reason: 'Why not? The model is told. (optional)',
    newArguments: 'New arguments',
    approveChanged: 'Approve with these',
    whatResult: (name: string) => `What is the result of ${name}?`,
    sendResult: 'Send result',
    sendAsText: 'Send as text',
    isNoJson: 'This is not JSON. Send it as plain text?',
    keepEditing: 'Keep editing',
    mustBeObject: 'Arguments must be an object between { and }.',
  },
  jsonFault: {
    value: 'a value is missing or misspelt',
    name: 'a name in "quotes" is missing',
    colon: 'a colon is missing after the name',
    comma: 'a comma or the closing bracket is missing',
    text: 'a text in quotes does not end, or contains a character that must be written with \\',
    more: 'there is something after the end',
    end: 'it stops too early',
  },
  jsonFaultAt: (line: number, column: number, what: string) =>
    `Line ${number.format(line)}, character ${number.format(column)}: ${what}.`,
  sources: {
    label: 'Sources',
    cited: (place: number, title: string) => `Source ${number.format(place)}: ${title}`,
  },
  file: {
    preview: 'Preview',
    hidePreview: 'Hide preview',
    download: 'Download',
    open: 'Open',
    enlarge: (name: string) => `Show ${name} large`,
    cut: (shown: string) => `The first ${shown} are shown. Download the file to see all of it.`,
  },
  embed: (host: string) => `Embedded page from ${host}`,
  refusal: 'The model refused to answer. Ask in other words, or ask another model.',
  unknown: 'A part of this answer is of a kind that this page does not know yet. Load the page again to see it.',
  reload: 'Load the page again',
  details: 'The server says:',
}
