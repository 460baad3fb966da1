import type { Response } from 'express'
import { jsonPieces } from '../../shared/json-pieces.ts'
import { inSlices } from '../waiting/slices.ts'

/** What `response.json` sends, for what may be large: messages, and lists of them. */
export async function sendJson(response: Response, value: unknown): Promise<void> {
  const body = await inSlices(bodySteps(value))
  response.set('Content-Type', 'application/json; charset=utf-8').send(body)
}

function* bodySteps(value: unknown): Generator<void, Buffer> {
  const pieces: Buffer[] = []
  for (const piece of jsonPieces(value)) {
    pieces.push(Buffer.from(piece))
    yield
  }
  return Buffer.concat(pieces)
}
