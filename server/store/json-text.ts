import { jsonPieces } from '../../shared/json-pieces.ts'
import type { Message } from '../../shared/schema.ts'
import { inSlices } from '../waiting/slices.ts'

/** The JSON of a message, which may be large, made without holding up the process. */
export function jsonText(message: Message): string | Promise<string> {
  return inSlices(textSteps(message))
}

function* textSteps(message: Message): Generator<void, string> {
  const pieces: string[] = []
  for (const piece of jsonPieces(message)) {
    pieces.push(piece)
    yield
  }
  return pieces.join('')
}
