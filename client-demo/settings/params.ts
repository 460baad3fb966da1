/** The parameters of a chat: some have fields of their own, the rest is JSON. */
import type { JsonObject } from '@runnel/client'

export const efforts = ['minimal', 'low', 'medium', 'high'] as const
export type Effort = (typeof efforts)[number]

export interface Fields {
  temperature: string
  topP: string
  mostTokens: string
  effort: string
  /** JSON; empty: none. */
  rest: string
}

/** If the chat already uses one of its names, that name stays. */
const tokenNames = ['max_tokens', 'max_completion_tokens', 'max_output_tokens']

export function fieldsOf(params: JsonObject = {}): Fields {
  const rest: JsonObject = { ...params }
  const take = (name: string, isOurs: (value: unknown) => boolean): string => {
    const value = rest[name]
    if (!isOurs(value)) return ''
    delete rest[name]
    return String(value)
  }
  const isNumber = (value: unknown) => typeof value === 'number'
  const tokens = tokenNames.find((name) => isNumber(rest[name])) ?? tokenNames[0]!
  const fields = {
    temperature: take('temperature', isNumber),
    topP: take('top_p', isNumber),
    mostTokens: take(tokens, isNumber),
    effort: take('reasoning_effort', (value) => efforts.some((effort) => effort === value)),
  }
  return { ...fields, rest: Object.keys(rest).length === 0 ? '' : JSON.stringify(rest, null, 2) }
}

export type FaultyField = keyof Fields

/** The parameters in the fields, or the fields that are wrong. */
export function paramsOf(
  fields: Fields,
  before: JsonObject = {},
): { params: JsonObject | null } | { faulty: FaultyField } {
  const params = restOf(fields.rest)
  if (!params) return { faulty: 'rest' }
  const tokens = tokenNames.find((name) => typeof before[name] === 'number') ?? tokenNames[0]!
  const numbers: [FaultyField, string, (value: number) => boolean][] = [
    ['temperature', 'temperature', (value) => value >= 0 && value <= 2],
    ['topP', 'top_p', (value) => value > 0 && value <= 1],
    ['mostTokens', tokens, (value) => Number.isSafeInteger(value) && value > 0],
  ]
  for (const [field, name, isMeant] of numbers) {
    const said = fields[field].trim().replace(',', '.')
    if (said === '') continue
    const value = Number(said)
    if (!isMeant(value)) return { faulty: field }
    params[name] = value
  }
  if (fields.effort !== '') params['reasoning_effort'] = fields.effort
  return { params: Object.keys(params).length === 0 ? null : params }
}

function restOf(text: string): JsonObject | null {
  if (text.trim() === '') return {}
  try {
    const value = JSON.parse(text) as unknown
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as JsonObject) : null
  } catch {
    return null
  }
}
