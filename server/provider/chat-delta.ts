/** What stands where in a Chat Completions delta: every server has a way of its own. */
import { cleanJson, type JsonObject, type NewBlock } from '../../shared/schema.ts'
import { isFields, type Fields } from './frames.ts'

/** An annotation in the shape of the Responses API, its offsets moved to the text block that starts at `start`. */
export function annotationOf(annotation: Fields, start: number): JsonObject {
  const type = String(annotation.type)
  const inner = annotation[type]
  const flat = cleanJson(isFields(inner) ? { type, ...inner } : annotation) as JsonObject
  for (const name of ['start_index', 'end_index']) {
    const index = flat[name]
    if (typeof index === 'number' && index > 0) flat[name] = Math.max(0, index - start)
  }
  return flat
}

/** The pages that a search model answers from, from its last list of results or links. */
export function sourceBlocks(results: unknown): Extract<NewBlock, { type: 'source' }>[] {
  if (!Array.isArray(results)) return []
  return results.flatMap((result) => {
    const { url, title, snippet } = isFields(result) ? result : { url: result, title: undefined, snippet: undefined }
    if (typeof url !== 'string') return []
    return [
      {
        type: 'source',
        status: 'in_progress',
        sourceType: 'url',
        url,
        title: typeof title === 'string' && title !== '' ? title : url,
        ...(typeof snippet === 'string' && snippet !== '' ? { snippet } : {}),
      },
    ]
  })
}
