/** Asked for something that the answers here do not carry: refused, so that nobody waits for it. */
import type { Json, JsonObject } from '../../../shared/schema.ts'
import { fieldFinder, namedParams } from '../../provider/params.ts'
import { refused } from '../params.ts'

const uncarriedField = fieldFinder(['logprobs', 'top_logprobs', 'modalities', 'audio', 'moderation'])

/** Throws `bad_request`. */
export function refuseUncarried(params: JsonObject): void {
  for (const [name, value] of namedParams(params)) {
    const field = uncarriedField(name)
    if (field !== undefined && !asksForNothing(value))
      throw refused(field, 'is not possible here: the answers of this server are text and calls.')
  }
}

/** `modalities: ["text"]` is what comes anyway. */
function asksForNothing(value: Json): boolean {
  if (Array.isArray(value)) return value.every((modality) => modality === 'text')
  return value === null || value === false || value === 0
}
