import { seededRandom } from './cuts.ts'
import type { RequestBody } from './received-request.ts'

const SIZE = 1_536

/** Vectors of length 1: the same text has the same one, texts that share words have near ones. */
export function embeddingsOf(body: RequestBody): object {
  const given: unknown = body.input
  const inputs: unknown[] = Array.isArray(given) && typeof given[0] !== 'number' ? given : [given]
  const size = typeof body.dimensions === 'number' ? body.dimensions : SIZE
  const words = inputs.map(wordsOf)
  const count = words.reduce((sum, list) => sum + list.length, 0)
  return {
    object: 'list',
    data: words.map((list, index) => {
      const vector = vectorOf(list, size)
      const embedding =
        body.encoding_format === 'base64' ? Buffer.from(vector.buffer).toString('base64') : Array.from(vector)
      return { object: 'embedding', index, embedding }
    }),
    model: body.model,
    usage: { prompt_tokens: count, total_tokens: count },
  }
}

function wordsOf(input: unknown): string[] {
  if (Array.isArray(input)) return input.map(String)
  return (
    String(input)
      .toLowerCase()
      .match(/[\p{L}\p{N}]+/gu) ?? ['']
  )
}

function vectorOf(words: readonly string[], size: number): Float32Array {
  const sum = new Float32Array(size)
  for (const word of words) {
    const random = seededRandom(hashOf(word))
    for (let at = 0; at < size; at += 1) sum[at] = sum[at]! + random() - 0.5
  }
  const length = Math.hypot(...sum) || 1
  return sum.map((value) => value / length)
}

/** FNV-1a. */
function hashOf(word: string): number {
  let hash = 0x811c9dc5
  for (let at = 0; at < word.length; at += 1) hash = Math.imul(hash ^ word.charCodeAt(at), 0x01000193)
  return hash >>> 0
}
