/** Bodies of requests at the door: images stand in them, so they may be large; read as they come, and counted. */
import type { Request, Response } from 'express'
import { createBrotliDecompress, createGunzip, createInflate } from 'node:zlib'
import type { Readable, Transform } from 'node:stream'
import { RunnelError } from '../../../shared/errors.ts'
import { maxBodyDepth } from '../body.ts'
import { JsonFault, JsonStream } from './json-stream.ts'

/** So many bodies of the largest size may be held for one user at once. */
const largestAtOnce = 4

/** In one body: what is read of it is walked and copied whole, later on. */
const maxValues = 100_000

const decompressors = new Map<string, () => Transform>(
  Object.entries({
    gzip: createGunzip,
    deflate: createInflate,
    br: createBrotliDecompress,
  }),
)

export class DoorBodies {
  readonly #maxBytes: number
  /** Of bodies whose requests are not answered yet, by user. */
  readonly #held = new Map<string, number>()

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes
  }

  /** The JSON body of a request. Throws `bad_request`, `too_large`, `rate_limited`. */
  async read(request: Request, response: Response, userId: string): Promise<unknown> {
    // `curl -d` alone says that it sends a form.
    if (!request.is('application/json'))
      throw new RunnelError('bad_request', 'body: must be JSON, with the header Content-Type: application/json.')
    if (Number(request.get('content-length') ?? 0) > this.#maxBytes) throw this.#tooLarge()
    let own = 0
    response.once('close', () => this.#count(userId, -own))
    const json = new JsonStream(maxBodyDepth, maxValues)
    const text = textDecoder(request)
    const count = (bytes: number) => {
      own += bytes
      const all = this.#count(userId, bytes)
      if (own > this.#maxBytes) throw this.#tooLarge()
      if (all > largestAtOnce * this.#maxBytes)
        throw new RunnelError(
          'rate_limited',
          'Requests that are not answered yet hold too much already; wait for one of them (RUNNEL_MAX_DOOR_BODY_BYTES).',
        )
    }
    try {
      await readAll(request, (bytes) => {
        count(bytes.length)
        json.push(text.decode(bytes, { stream: true }))
      })
      json.push(text.decode())
      return (request.body = json.end())
    } catch (error) {
      throw error instanceof JsonFault ? new RunnelError('bad_request', `body: ${error.message}`) : error
    }
  }

  #count(userId: string, bytes: number): number {
    const all = (this.#held.get(userId) ?? 0) + bytes
    if (all > 0) this.#held.set(userId, all)
    else this.#held.delete(userId)
    return all
  }

  #tooLarge(): RunnelError {
    return new RunnelError(
      'too_large',
      `The request body is larger than ${this.#maxBytes} bytes (RUNNEL_MAX_DOOR_BODY_BYTES).`,
    )
  }
}

function textDecoder(request: Request): { decode(bytes?: Uint8Array, options?: { stream: boolean }): string } {
  const [, charset = 'utf-8'] = /charset="?([^\s;"]+)/i.exec(request.get('content-type') ?? '') ?? []
  if (!/^utf-?8$/i.test(charset)) throw unreadable()
  const decoder = new TextDecoder('utf-8', { fatal: true })
  return {
    decode(bytes, options) {
      try {
        return decoder.decode(bytes, options)
      } catch {
        throw unreadable()
      }
    },
  }
}

/** Gives each piece to `take`, decompressed; what `take` throws ends it. What is not read any more is left unread. */
async function readAll(request: Request, take: (bytes: Uint8Array) => void): Promise<void> {
  const encoding = (request.get('content-encoding') ?? 'identity').toLowerCase()
  const decompress = decompressors.get(encoding)?.()
  if (!decompress && encoding !== 'identity') throw unreadable()
  const source: Readable = decompress ? request.pipe(decompress) : request
  try {
    await new Promise<void>((resolve, reject) => {
      source.on('data', (bytes: Uint8Array) => {
        try {
          take(bytes)
        } catch (error) {
          reject(error as Error)
        }
      })
      source.once('end', resolve)
      source.once('error', () => reject(unreadable()))
      request.once('aborted', () => reject(unreadable()))
    })
  } finally {
    source.removeAllListeners('data')
    source.once('error', () => {})
    request.unpipe()
    decompress?.destroy()
    request.resume()
  }
}

function unreadable(): RunnelError {
  return new RunnelError(
    'bad_request',
    'The request could not be read: its body must be JSON in UTF-8, its address well-formed.',
  )
}
