import { shownOf } from '../../../shared/known-types.ts'
import type { Message } from '../../../shared/schema.ts'
import type { Shown } from '../../../shared/shown.ts'

/** What a person sees of a message, in order; why it failed comes last, where no block says it. */
export function shownParts({ output, error }: Message): Shown[] {
  const parts = output.map(shownOf).filter((part) => part !== null)
  return error && !parts.some(({ kind }) => kind === 'fault')
    ? [...parts, { kind: 'fault', message: error.message }]
    : parts
}
