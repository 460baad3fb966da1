import type { IncomingHttpHeaders } from 'node:http'

/** The fields that tests look at most; all others are there too. */
export interface RequestBody {
  [field: string]: unknown
  model?: string
  stream?: boolean
  /** Chat Completions. */
  messages?: Record<string, unknown>[]
  /** Responses. */
  input?: Record<string, unknown>[]
  tools?: Record<string, unknown>[]
}

/** A request as it arrived. Times are `performance.now()`. */
export interface ReceivedRequest {
  method: string
  /** With the query, from `/v1` on. */
  path: string
  headers: IncomingHttpHeaders
  /** Of the client: equal ports are one connection. */
  port: number | undefined
  /** The JSON object that was sent; empty if it was none. */
  body: RequestBody
  receivedAt: number
  /** When the client hung up before its answer was over. */
  hungUpAt: number | undefined
  /** Resolves with `hungUpAt`; never, if the client waits for the end. */
  hungUp: Promise<number>
}
