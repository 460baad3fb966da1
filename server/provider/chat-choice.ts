/** Where a chunk keeps its choices, and a choice what it says: servers leave out a list, a level or both. */
import { choiceFields, sayingFields } from './chat-fields.ts'
import { isMarkedThought } from './chat-reasoning.ts'
import { holds } from './chat-parts.ts'
import { isFields, type Fields } from './frames.ts'

/** Null: there are none that can be understood. One choice may stand for the list, and numbers may be names. */
export function choicesOf(choices: unknown): Fields[] | null {
  if (Array.isArray(choices)) return choices.filter(isFields)
  if (!isFields(choices)) return null
  if (Object.keys(choices).some((name) => choiceFields.has(name))) return [choices]
  const numbered = Object.entries(choices).filter(([name, choice]) => /^\d{1,6}$/.test(name) && isFields(choice))
  return numbered.length === 0 ? null : numbered.map(([index, choice]) => ({ index, ...(choice as Fields) }))
}

/** The deltas of a choice. In the place of one may stand a text, parts, or a list of deltas. Null: nothing that is understood. */
export function deltasOf(choice: Fields): Fields[] | null {
  const deltas = listed(choice.delta)
  return deltas && isMarkedThought(choice) ? deltas.map((delta) => ({ ...delta, thought: true })) : deltas
}

function listed(delta: unknown): Fields[] | null {
  if (isFields(delta)) return [delta]
  if (typeof delta === 'string') return [{ content: delta }]
  if (!Array.isArray(delta)) return null
  return delta.map((entry) =>
    isFields(entry) && entry.type === undefined && says(entry) ? entry : { content: [entry] },
  )
}

/** What stands on the choice itself and neither in its delta nor in its message; null: nothing. */
export function ownWords(choice: Fields): Fields | null {
  let own: Fields | null = null
  for (const name in choice) {
    if (!sayingFields.has(name) || !holds(choice[name])) continue
    if ([choice.delta, choice.message].some((inner) => isFields(inner) && holds(inner[name]))) continue
    own ??= {}
    own[name] = choice[name]
  }
  return own
}

/** Is there anything in it that a person would miss? */
export function choiceSays(choice: Fields): boolean {
  const { delta, message, text } = choice
  return holds(text) || says(choice) || [delta, message].some((said) => (isFields(said) ? says(said) : holds(said)))
}

function says(fields: Fields): boolean {
  return Object.keys(fields).some((name) => sayingFields.has(name) && holds(fields[name]))
}
