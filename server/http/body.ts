import express, { type Request, type RequestHandler, type Response } from 'express'
import { RunnelError } from '../../shared/errors.ts'

/** Deeper nesting is nobody's request: it would overflow the stack of whatever walks it. */
const maxDepth = 64

/** Reads JSON bodies of up to so many bytes. */
export type JsonReader = (request: Request, response: Response) => Promise<unknown>

/** Reads the JSON body of a request; undefined where there is none. Throws `bad_request`, and what express throws for a body that cannot be read. */
export function jsonReader(maxBytes: number): JsonReader {
  const parse = express.json({ limit: maxBytes })
  return async (request, response) => await readJson(parse, request, response)
}

async function readJson(parse: RequestHandler, request: Request, response: Response): Promise<unknown> {
  await new Promise<void>(
    (resolve, reject) =>
      void parse(request, response, (error?: unknown) => (error ? reject(error as Error) : resolve())),
  )
  if (isDeeper(request.body, maxDepth))
    throw new RunnelError('bad_request', `body: is nested deeper than ${maxDepth} levels.`)
  return request.body
}

function isDeeper(value: unknown, depth: number): boolean {
  if (typeof value !== 'object' || value === null) return false
  return depth === 0 || Object.values(value).some((item) => isDeeper(item, depth - 1))
}
