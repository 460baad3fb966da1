/** Documents as they are, for the first paint of who follows them then: the socket sends what came since. */
import { createHash } from 'node:crypto'
import { promisify } from 'node:util'
import { brotliCompress, constants, gzip } from 'node:zlib'
import type { Request, Response } from 'express'
import { z } from 'zod'
import { RunnelError } from '../../shared/errors.ts'
import { encodingFor } from './encoding.ts'
import { exposeHeaders } from './cross-origin.ts'
import { chatOfPath, messageOfPath } from './finders.ts'
import { hangUpOf } from './hang-up.ts'
import { route } from './route.ts'
import type { Services } from './services.ts'

const lineageHeader = 'X-Runnel-Lineage'
/** Less is not worth it. */
const leastCompressedBytes = 1_000

const stateRow = {
  method: 'get',
  access: 'viewer',
  responses: { 200: { 'application/octet-stream': z.string().meta({ format: 'binary' }) }, 304: null },
} as const

export const stateRoutes = [
  route({
    ...stateRow,
    path: '/api/messages/:messageId/state',
    of: messageOfPath,
    summary: `The document of an answer as one Yjs update (v1), with its lineage in ${lineageHeader}`,
    async handle({ request, response, subject: message }, services) {
      if (message.role === 'user')
        throw new RunnelError('not_found', 'A question has no document; GET /api/messages/:messageId has its words.')
      await sendState(message.id, request, response, services)
    },
  }),

  route({
    ...stateRow,
    path: '/api/chats/:chatId/state',
    of: chatOfPath,
    summary: `The document of a chat as one Yjs update (v1), with its lineage in ${lineageHeader}`,
    async handle({ request, response, subject: chat }, services) {
      await sendState(chat.id, request, response, services)
    },
  }),
]

async function sendState(
  doc: string,
  request: Request,
  response: Response,
  { states }: Pick<Services, 'states'>,
): Promise<void> {
  const hangUp = hangUpOf(response)
  const state = await states.read(doc, hangUp)
  if (!state) {
    if (hangUp.aborted) return
    throw new RunnelError('not_found', 'There is no such document.')
  }
  if (hangUp.aborted) return state.release()
  hangUp.addEventListener('abort', state.release)
  const { lineage, update } = state
  // By what it says: numbers of the log may be given twice, to other words. Two nodes may write the same otherwise, which only costs a download.
  const digest = createHash('sha256').update(lineage).update(update).digest('base64url')
  response.set({
    [lineageHeader]: lineage,
    ETag: `W/"${digest}"`,
    'Cache-Control': 'private, no-cache',
    'Content-Type': 'application/octet-stream',
    Vary: 'Accept-Encoding',
  })
  exposeHeaders(response, lineageHeader, 'ETag')
  if (request.fresh) return void response.status(304).end()
  response.end(await compressed(update, request, response))
}

const compress = { br: promisify(brotliCompress), gzip: promisify(gzip) }

/** In another thread. */
async function compressed(update: Uint8Array, request: Request, response: Response): Promise<Uint8Array> {
  const encoding = update.length < leastCompressedBytes ? undefined : encodingFor(request)
  if (!encoding) return update
  response.set('Content-Encoding', encoding)
  return encoding === 'br'
    ? await compress.br(update, { params: { [constants.BROTLI_PARAM_QUALITY]: 4 } })
    : await compress.gzip(update)
}
