/** Where a fragment of a call has its arguments, its index and its id. */
import { isWhole } from '../../shared/wire.ts'
import type { Fields } from './frames.ts'

/** Where servers put the arguments, as a text or as what it says. */
export function argumentsOf({ arguments: args, input, parameters, args: short }: Fields): string {
  const given = args ?? input ?? parameters ?? short
  return typeof given === 'object' && given !== null ? JSON.stringify(given) : stringOf(given)
}

/** Also in digits. */
export function indexOf(index: unknown): number | undefined {
  const number = typeof index === 'string' && /^\d{1,6}$/.test(index) ? Number(index) : index
  return isWhole(number) ? number : undefined
}

/** Some write that there is none. */
export function idOf(id: unknown): string {
  return typeof id === 'string' && !/^(?:null|none|nil|undefined)$/i.test(id) ? id : ''
}

export function stringOf(value: unknown): string {
  return typeof value === 'string' ? value : ''
}
