import express, { type Request, type RequestHandler, type Response } from 'express'
import { RunnelError } from '../../shared/errors.ts'

/** Deeper nesting is nobody's request: it would overflow the stack of whatever walks it. */
export const maxBodyDepth = 64

/** Reads JSON bodies of up to so many bytes. */
type JsonReader = (request: Request, response: Response) => Promise<unknown>

/** Reads the JSON body of a request; undefined where there is none. Throws `bad_request`, and what express throws for a body that cannot be read. */
export function jsonReader(maxBytes: number): JsonReader {
  const parse = express.json({ limit: maxBytes })
  return async (request, response) => await readJson(parse, request, response)
}

/** Reads bodies of up to so many bytes, whatever they are said to be. Throws `too_large`. */
export function bytesReader(maxBytes: number): (request: Request, response: Response) => Promise<Uint8Array> {
  const parse = express.raw({ limit: maxBytes, type: () => true })
  return async (request, response) => {
    await read(parse, request, response).catch((error: unknown) => {
      if (error instanceof Error && 'status' in error && error.status === 413)
        throw new RunnelError('too_large', `More than ${maxBytes} bytes are said at once (RUNNEL_MAX_FRAME_BYTES).`)
      throw error
    })
    return request.body instanceof Uint8Array ? request.body : new Uint8Array(0)
  }
}

async function read(parse: RequestHandler, request: Request, response: Response): Promise<void> {
  await new Promise<void>(
    (resolve, reject) =>
      void parse(request, response, (error?: unknown) => (error ? reject(error as Error) : resolve())),
  )
}

async function readJson(parse: RequestHandler, request: Request, response: Response): Promise<unknown> {
  await read(parse, request, response)
  const fault = faultOf(request.body, maxBodyDepth)
  if (fault) throw new RunnelError('bad_request', `body: ${fault}`)
  return request.body
}

/** JSON may say 1e400, which is read as Infinity: no schema, no store and no provider means that. */
function faultOf(value: unknown, depth: number): string | null {
  if (typeof value === 'number') return Number.isFinite(value) ? null : 'holds a number that is too large.'
  if (typeof value !== 'object' || value === null) return null
  if (depth === 0) return `is nested deeper than ${maxBodyDepth} levels.`
  for (const item of Object.values(value)) {
    const fault = faultOf(item, depth - 1)
    if (fault) return fault
  }
  return null
}
