/** A chat as one file, sent while it is read. */
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { z } from 'zod'
import { cleanName } from '../../files/name.ts'
import { exposeHeaders } from '../cross-origin.ts'
import { shownTo } from '../listed-chats.ts'
import { disposition } from '../disposition.ts'
import { chatOfPath } from '../finders.ts'
import { refuseForeign } from '../history.ts'
import { route } from '../route.ts'
import { sandboxed } from '../sandboxed.ts'
import { messageJson, oneChatJson } from '../schemas.ts'
import { exportedMessages } from './exported-messages.ts'
import { formats } from './formats.ts'

const exportQuery = z.object({
  format: z.enum(['markdown', 'json', 'html']).default('markdown'),
  leaf: z
    .string()
    .max(200)
    .optional()
    .describe('only the branch that ends with this message; without it all messages, oldest first'),
})

export const exportRoutes = [
  route({
    method: 'get',
    path: '/api/chats/:chatId/export',
    of: chatOfPath,
    access: 'viewer',
    summary: 'A chat as a file: all of it, or one branch. An answer that is being written is in it as it is then',
    query: exportQuery,
    responses: {
      200: {
        'text/markdown': z.string(),
        'application/json': z.object({ chat: oneChatJson, messages: z.array(messageJson) }),
        'text/html': z.string(),
      },
    },
    async handle({ request, response, identity, subject: chat, query: { format, leaf } }, services) {
      if (leaf !== undefined) await refuseForeign(chat.id, leaf, 'leaf', services.store)
      const over = new AbortController()
      const { type, extension, write } = formats[format]
      const pieces = write({
        chat: await shownTo(identity, chat, services),
        messages: exportedMessages({ identity, chatId: chat.id, leaf, services }),
        html: services.html,
        caller: { userId: identity.user.id, signal: over.signal },
      })
      // What fails before the first word is answered as what it is.
      const first = await pieces.next()
      sandboxed(response)
      response.set({
        'Content-Type': `${type}; charset=utf-8`,
        'Content-Disposition': disposition('attachment', `${cleanName(chat.title)}.${extension}`),
        'Cache-Control': 'private, no-cache',
      })
      exposeHeaders(response, 'Content-Disposition')
      if (request.method === 'HEAD') {
        await pieces.return()
        return void response.end()
      }
      // One that breaks off is cut off: it has no last chunk, so nobody takes it for whole.
      await pipeline(Readable.from(behind(first, pieces)), response).catch(() => response.destroy())
      // They may have hung up while something is made for them.
      over.abort()
    },
  }),
]

async function* behind(
  first: IteratorResult<string, void>,
  rest: AsyncGenerator<string, void>,
): AsyncGenerator<string, void> {
  if (first.done) return
  yield first.value
  yield* rest
}
