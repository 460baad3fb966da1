import { pluralsOf } from '../plural.ts'

const plural = pluralsOf('de')
const number = new Intl.NumberFormat('de')

export const follow = {
  toEnd: 'Zum Ende',
  toEndWith: (lines: number) =>
    `Zum Ende · ${plural(lines, { one: '1 neue Zeile', other: `${number.format(lines)} neue Zeilen` })}`,
  begun: 'Eine Antwort wird geschrieben.',
  waits: 'Die Antwort wartet auf Sie.',
  ended: {
    completed: 'Die Antwort ist fertig.',
    stopped: 'Die Antwort wurde angehalten.',
    failed: 'Die Antwort ist fehlgeschlagen.',
    interrupted: 'Die Antwort wurde abgebrochen.',
  },
}
