import type { z } from 'zod'
import { RunnelError } from '../../shared/errors.ts'

/** So many faults are named; of the rest, how many there are. */
const maxNamed = 10
/** A value of more parts is looked at up to its first fault: half a million of them take a second to find. */
const maxParts = 1_000
const maxKeyChars = 40
const maxPathChars = 100
const maxWordsChars = 200

/**
 * A body or a query as its schema says. Throws `bad_request` with a few of the
 * fields that are wrong, in the message and in `details.fields`. What was sent
 * is not repeated, but for the names of fields, shortened.
 */
export function validate<Schema extends z.ZodType>(schema: Schema, value: unknown): z.output<Schema> {
  const context: z.core.ParseContextInternal<z.core.$ZodIssue> = { abortEarly: countParts(value, maxParts) > maxParts }
  const parsed = schema.safeParse(value, context)
  if (parsed.success) return parsed.data
  const { issues } = parsed.error
  const fields = issues.slice(0, maxNamed).map((issue) => ({ field: pathOf(issue), message: wordsOf(issue) }))
  const others = issues.length - fields.length
  throw new RunnelError(
    'bad_request',
    fields.map(({ field, message }) => `${field}: ${message}`).join('; ') + (others > 0 ? `; and ${others} more` : ''),
    { details: { fields, ...(others > 0 && { others }) } },
  )
}

function pathOf({ path }: z.core.$ZodIssue): string {
  const text = path
    .slice(0, 10)
    .map((key) => short(String(key), maxKeyChars))
    .join('.')
  return short(text, maxPathChars) || 'body'
}

function wordsOf(issue: z.core.$ZodIssue): string {
  if (issue.code !== 'unrecognized_keys') return short(issue.message, maxWordsChars)
  const names = issue.keys.slice(0, 3).map((key) => JSON.stringify(short(key, maxKeyChars)))
  const others = issue.keys.length - names.length
  return `has fields that are not known here: ${names.join(', ')}${others > 0 ? ` and ${others} more` : ''}`
}

/** As a name is repeated in an error: of a long one its beginning. */
export function short(text: string, maxChars = maxKeyChars): string {
  return text.length <= maxChars ? text : `${text.slice(0, maxChars - 1).toWellFormed()}…`
}

/** Values in a value, itself too; it stops behind `limit`. */
function countParts(value: unknown, limit: number): number {
  let parts = 1
  if (typeof value === 'object' && value !== null)
    for (const key in value) {
      parts += countParts((value as Record<string, unknown>)[key], limit - parts)
      if (parts > limit) break
    }
  return parts
}
