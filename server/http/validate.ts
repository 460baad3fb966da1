import type { z } from 'zod'
import { RunnelError } from '../../shared/errors.ts'

/** A body or a query as its schema says. Throws `bad_request` with the fields that are wrong, in the message and in `details.fields`. */
export function validate<Schema extends z.ZodType>(schema: Schema, value: unknown): z.output<Schema> {
  const parsed = schema.safeParse(value)
  if (parsed.success) return parsed.data
  const fields = parsed.error.issues.map((issue) => ({ field: issue.path.join('.') || 'body', message: issue.message }))
  throw new RunnelError('bad_request', fields.map(({ field, message }) => `${field}: ${message}`).join('; '), {
    details: { fields },
  })
}
