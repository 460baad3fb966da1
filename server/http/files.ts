import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { z } from 'zod'
import { RunnelError } from '../../shared/errors.ts'
import { cleanName } from '../files/name.ts'
import { sniff } from '../files/sniff.ts'
import { isAway, mayBeDone } from '../waiting/patience.ts'
import type { FileRow } from '../store/store.ts'
import { newId } from '../task/ids.ts'
import { disposition } from './disposition.ts'
import { fileOfPath } from './finders.ts'
import { route } from './route.ts'
import { sandboxed } from './sandboxed.ts'
import { leastSize, readUpload } from './upload.ts'

const fileJson = z.object({ id: z.string(), name: z.string(), mimeType: z.string(), size: z.int(), url: z.string() })
const fileForm = z.object({ chatId: z.string(), file: z.string().meta({ format: 'binary' }) })

/** Shown where it stands: what a browser paints without running anything. All else is saved. */
const shownTypes = new Set(['image/png', 'image/jpeg', 'image/gif', 'image/webp', 'image/avif', 'text/plain'])

export const fileRoutes = [
  route({
    method: 'post',
    path: '/api/files',
    waits: true,
    access: 'editor',
    summary: 'Upload a file to a chat: the form has chatId first, then file',
    form: fileForm,
    responses: { 201: fileJson },
    async handle(
      { request, response, identity },
      { access, store, files, filesUrl, uploads, deletion, maxFileBytes, fileQuotas, now },
    ) {
      const id = newId('file')
      let leave = () => {}
      const answer = ({ name, mimeType, size }: FileRow) =>
        void response.status(201).json({ id, name, mimeType, size, url: filesUrl + id })
      try {
        let chatId = ''
        const {
          name: given,
          declaredType,
          stored,
        } = await readUpload(request, async (toChat, content) => {
          chatId = (await access.chat(identity, toChat, 'editor')).chat.id
          leave = await uploads.take(identity.user.id)
          await store.doomFile(id, {
            chatId,
            userId: identity.user.id,
            size: Math.min(leastSize(request), maxFileBytes),
            quotas: fileQuotas,
          })
          return await files.write(id, content, maxFileBytes)
        })
        const name = cleanName(given)
        const file: FileRow = {
          id,
          chatId,
          userId: identity.user.id,
          name,
          mimeType: await sniff(stored, name, declaredType),
          size: stored.size,
          createdAt: now(),
        }
        await store.putFile(file, fileQuotas)
        answer(file)
      } catch (error) {
        // A store that is away may have it all the same: only what is known to be nobody's goes now, the rest when it has been left for an hour.
        if (!isAway(error)) await deletion.bytes([id]).catch(() => undefined)
        const kept = isAway(error) && mayBeDone(error) ? await store.getFile(id).catch(() => null) : null
        if (!kept) throw error
        answer(kept)
      } finally {
        leave()
      }
    },
  }),

  route({
    method: 'get',
    path: '/api/files/:fileId',
    of: fileOfPath,
    access: 'viewer',
    summary: 'The bytes of a file',
    responses: { 200: { '*/*': z.string().meta({ format: 'binary' }) } },
    async handle({ request, response, subject: file }, { files }) {
      const content = await files.stream(file.id)
      if (!content) throw new RunnelError('not_found', 'There is no such file.')
      sandboxed(response)
      response.set({
        'Content-Type': /^text\/|json$/.test(file.mimeType) ? `${file.mimeType}; charset=utf-8` : file.mimeType,
        'Content-Length': String(file.size),
        'Content-Disposition': disposition(shownTypes.has(file.mimeType) ? 'inline' : 'attachment', file.name),
        'Cache-Control': 'private, no-cache',
      })
      const bytes = Readable.from(content, { objectMode: false })
      if (request.method === 'HEAD') {
        bytes.destroy()
        return void response.end()
      }
      // A reader that hangs up, or a disk that fails on the way, cuts the answer off: its length says so.
      await pipeline(bytes, response).catch(() => response.destroy())
    },
  }),
]
