import { z } from 'zod'
import { RunnelError } from '../../shared/errors.ts'
import { messageOfPath } from './finders.ts'
import { hangUpOf } from './hang-up.ts'
import { messageMarkdown } from './render/markdown.ts'
import { messageText } from './render/text.ts'
import { route } from './route.ts'
import { messageJson, runJson } from './schemas.ts'
import { sendJson } from './send-json.ts'
import { sandboxed } from './sandboxed.ts'
import { refuseOlderRun } from './tasks.ts'

const readQuery = z.object({ format: z.enum(['json', 'markdown', 'html', 'text']).default('json') })
const stopBody = z.strictObject({ taskId: z.string().max(200).optional() }).prefault({})

export const messageRoutes = [
  route({
    method: 'get',
    path: '/api/messages/:messageId',
    of: messageOfPath,
    access: 'viewer',
    summary: 'A message as it is now, also while it is being written',
    query: readQuery,
    responses: {
      200: {
        'application/json': messageJson,
        'text/markdown': z.string(),
        'text/html': z.string(),
        'text/plain': z.string(),
      },
    },
    async handle({ response, identity, subject, query }, { messages, html }) {
      if (query.format === 'html') {
        const caller = { userId: identity.user.id, signal: hangUpOf(response) }
        const page = await html.render(() => messages.read(subject), caller)
        if (page === null) return
        sandboxed(response)
        return void response.type('text/html').send(page)
      }
      const message = await messages.read(subject)
      if (query.format === 'json') return await sendJson(response, message)
      sandboxed(response)
      if (query.format === 'markdown') response.type('text/markdown').send(messageMarkdown(message))
      else response.type('text/plain').send(messageText(message))
    },
  }),

  route({
    method: 'delete',
    path: '/api/messages/:messageId',
    waits: true,
    of: messageOfPath,
    access: 'editor',
    summary: 'Delete a message with all that answers it',
    responses: { 204: null },
    async handle({ response, subject: message }, { deletion }) {
      await deletion.message(message)
      response.status(204).end()
    },
  }),

  route({
    method: 'post',
    path: '/api/messages/:messageId/stop',
    waits: true,
    of: messageOfPath,
    access: 'editor',
    summary: 'Stop the run of an answer; one that has ended stays as it is',
    body: stopBody,
    responses: { 200: runJson },
    errors: [409],
    async handle({ response, identity, subject: message, body: { taskId } }, { tasks }) {
      if (message.role !== 'assistant') throw new RunnelError('bad_request', 'Only an answer can be stopped.')
      refuseOlderRun(message, taskId)
      response.json(await tasks.stop(message, identity.user))
    },
  }),
]
