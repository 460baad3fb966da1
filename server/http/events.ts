import { z } from 'zod'
import { eventStreamHead } from '../events/event-stream.ts'
import { messageOfPath } from './finders.ts'
import { route } from './route.ts'

const eventsQuery = z.object({
  mode: z.enum(['delta', 'state']).default('delta'),
  /** Read at sign-in: EventSource sends no headers. */
  token: z.string().max(10_000).optional(),
})

/** Server-sent events (E1 …). */
export const eventRoutes = [
  route({
    method: 'get',
    path: '/api/messages/:messageId/events',
    of: messageOfPath,
    access: 'viewer',
    summary: 'A message as it grows, as server-sent events',
    query: eventsQuery,
    responses: { 200: { 'text/event-stream': z.string() }, 204: null },
    async handle({ request, response, identity, subject: message, query }, { events }) {
      if (request.method === 'HEAD') return void response.writeHead(200, eventStreamHead).end()
      await events.open(
        response,
        identity,
        message,
        query.mode === 'state' ? 'states' : 'deltas',
        request.get('last-event-id'),
      )
    },
  }),
]
