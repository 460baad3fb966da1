import busboy from 'busboy'
import type { Request } from 'express'
import type { Readable } from 'node:stream'
import { RunnelError } from '../../shared/errors.ts'

export interface Upload<Stored> {
  /** As the sender calls it, without folders. */
  name: string
  /** What the sender says that it is. */
  declaredType: string
  stored: Stored
}

/**
 * Reads a `multipart/form-data` body with the fields `chatId` and `file`, in
 * this order: who may not write to the chat sends no file. `store` takes the
 * file as it comes; when this throws, `store` has ended. Throws `bad_request`,
 * and what `store` throws.
 */
export async function readUpload<Stored>(
  request: Request,
  store: (chatId: string, content: Readable) => Promise<Stored>,
): Promise<Upload<Stored>> {
  const parser = openParser(request)
  return await new Promise((resolve, reject) => {
    let chatId: string | undefined
    let storing: Promise<Upload<Stored>> | undefined
    let failed = false

    const fail = (error: unknown) => {
      if (failed) return
      failed = true
      request.unpipe(parser)
      parser.destroy()
      // What still comes is dropped, so that the sender reads the answer.
      request.resume()
      void Promise.allSettled([storing]).then(() => reject(error))
    }
    const refuse = (words: string) => () => fail(new RunnelError('bad_request', words))

    parser.on('field', (field, value) => {
      if (field !== 'chatId' || chatId !== undefined) refuse('The form has one field, chatId, and then one file.')()
      else chatId = value
    })
    parser.on('file', (field, content, { filename, mimeType }) => {
      // A stream that is cut off says so to whoever reads it; nobody may.
      content.on('error', () => {})
      if (failed) return void content.resume()
      if (field !== 'file' || chatId === undefined || storing) {
        content.resume()
        return refuse('The form must have chatId first, and then one file, named file.')()
      }
      const upload = store(chatId, content).then((stored) => ({ name: filename ?? '', declaredType: mimeType, stored }))
      upload.catch(fail)
      storing = upload
    })
    for (const limit of ['filesLimit', 'fieldsLimit', 'partsLimit'] as const)
      parser.on(limit, refuse('The form has more parts than chatId and one file.'))
    parser.on('error', refuse('The form could not be read: it must be multipart/form-data, whole.'))
    parser.on('close', () => {
      if (failed) return
      if (storing) storing.then(resolve, fail)
      else refuse('The form has no file.')()
    })
    request.on('error', refuse('The upload was cut off.'))
    request.on('close', () => {
      if (!request.complete) refuse('The upload was cut off.')()
    })
    request.pipe(parser)
  })
}

/** Of the bytes of a form, those that the words around its file take at the most, as a rule. */
const formBytes = 2_048

/** Bytes that a file has at least, as far as its sender says it before. */
export function leastSize(request: Request): number {
  const length = Number(request.get('content-length') ?? 0)
  return Number.isSafeInteger(length) ? Math.max(0, length - formBytes) : 0
}

function openParser(request: Request): busboy.Busboy {
  if (!/^multipart\/form-data\s*;/i.test(request.get('content-type') ?? ''))
    throw new RunnelError('bad_request', 'Send the file as multipart/form-data.')
  try {
    return busboy({
      headers: request.headers,
      defParamCharset: 'utf8',
      limits: { files: 1, fields: 1, parts: 3, fieldSize: 200, fieldNameSize: 100, headerPairs: 20 },
    })
  } catch {
    throw new RunnelError('bad_request', 'The form could not be read: its content type is broken.')
  }
}
