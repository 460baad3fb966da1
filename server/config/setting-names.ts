/** Names of settings: those that are known, and what was meant by one that is not. */
import { settings, type Row, type SecretName, type SettingName } from './config.ts'

const settingNames = Object.keys(settings) as SettingName[]

/** Each may stand in a file that `<name>_FILE` names. */
export const secretNames = (Object.entries(settings) as [SettingName, Row][]).flatMap(([name, row]) =>
  row.secret ? [name as SecretName] : [],
)

/** Every name that a setting may be given under. */
export const givenNames: readonly string[] = [...settingNames, ...secretNames.map((name) => `${name}_FILE`)]

/** Of tests, scripts and deploy/, and what Kubernetes gives to whoever runs beside a service of the name runnel. */
const otherNames = /^RUNNEL_(TEST_\w+|FUZZ_\w+|SEED|STREAM_CORPUS|BENCH_RESULTS|LIFELINE_FD|ORIGIN|(SERVICE|PORT)_\w+)$/

/** A sentence for each name that looks like a setting and is none. */
export function misspelt(names: readonly string[]): string[] {
  return names
    .filter((name) => name.startsWith('RUNNEL_') && !givenNames.includes(name) && !otherNames.test(name))
    .map((name) => noSuchSetting(name))
}

/** Says so, with the name that was meant, perhaps. `others`: names that may stand there, too. */
export function noSuchSetting(name: string, others: readonly string[] = []): string {
  const near = nearestName(name, [...givenNames, ...others])
  return `${name}: there is no such setting${near === undefined ? '; runnel --help names all' : `: ${near} is meant, perhaps`}`
}

/** The one of these that was meant by a name that is none of them; undefined where none is near. */
export function nearestName(name: string, known: readonly string[]): string | undefined {
  const letters = lettersOf(name)
  let best = { name: '', distance: Infinity }
  for (const other of known) {
    const distance = distanceOf(letters, lettersOf(other))
    if (distance < best.distance) best = { name: other, distance }
  }
  return best.distance <= Math.ceil(letters.length / 3) ? best.name : undefined
}

/** In any case, with or without the prefix. Longer ones are no slips of a pen. */
function lettersOf(name: string): string {
  return name
    .toLowerCase()
    .replace(/^runnel_/, '')
    .replaceAll('_', '')
    .slice(0, 64)
}

/** Letters that were left out, added, exchanged or swapped with the next. */
function distanceOf(one: string, other: string): number {
  let last: number[] = []
  let row = Array.from({ length: other.length + 1 }, (_, index) => index)
  for (let i = 1; i <= one.length; i++) {
    const next = [i]
    for (let j = 1; j <= other.length; j++) {
      const same = one[i - 1] === other[j - 1]
      let least = Math.min(row[j]! + 1, next[j - 1]! + 1, row[j - 1]! + (same ? 0 : 1))
      if (i > 1 && j > 1 && one[i - 1] === other[j - 2] && one[i - 2] === other[j - 1])
        least = Math.min(least, last[j - 2]! + 1)
      next.push(least)
    }
    last = row
    row = next
  }
  return row[other.length]!
}
