import { pluralsOf } from '../plural.ts'

const plural = pluralsOf('en')
const number = new Intl.NumberFormat('en')

export const follow = {
  toEnd: 'To the end',
  toEndWith: (lines: number) =>
    `To the end · ${plural(lines, { one: '1 new line', other: `${number.format(lines)} new lines` })}`,
  begun: 'An answer is being written.',
  waits: 'The answer waits for you.',
  ended: {
    completed: 'The answer is complete.',
    stopped: 'The answer was stopped.',
    failed: 'The answer failed.',
    interrupted: 'The answer was cut off.',
  },
}
