import { z } from 'zod'
import { maxPollEveryMs } from '../../shared/transports.ts'
import { route } from './route.ts'

const framesOut = { 'application/octet-stream': z.string().meta({ format: 'binary' }) }
const everyMs = z.coerce
  .number()
  .int()
  .min(0)
  .max(maxPollEveryMs)
  .default(0)
  .describe('of polls: the next one comes in this time at the latest')

/** Sessions where no WebSocket can pass (H1 …). */
export const syncRoutes = [
  route({
    method: 'post',
    path: '/api/sync',
    access: 'signedIn',
    guests: true,
    summary: 'Open a session as on /ws: a stream of frames, or polls for them',
    frames: true,
    query: z.object({
      transport: z.enum(['stream', 'poll']).default('stream'),
      instead: z.string().max(200).optional().describe('the session that this one takes the place of'),
      everyMs,
    }),
    responses: { 200: framesOut, 204: null },
    handle({ response, identity, query, bytes }, { sync }) {
      sync.open(response, identity, { ...query, instead: query.instead }, bytes)
    },
  }),

  route({
    method: 'post',
    path: '/api/sync/:session',
    access: 'signedIn',
    guests: true,
    summary: 'Say something to a session; with ack, ask for its frames',
    frames: true,
    query: z.object({
      n: z.coerce.number().int().min(0).default(0).describe('counts up from 1; 0 where nothing is said'),
      ack: z.coerce
        .number()
        .int()
        .min(0)
        .optional()
        .describe('of a poll: the number of the newest answer that has come'),
      wait: z.enum(['true', 'false']).default('true').describe('of a poll: until there is something'),
      everyMs,
    }),
    responses: { 200: framesOut, 204: null },
    async handle({ response, identity, params, query, bytes }, { sync }) {
      await sync.say(
        response,
        identity,
        params.session!,
        { ...query, ack: query.ack, waits: query.wait === 'true' },
        bytes,
      )
    },
  }),
]

/** What is limited as sockets are, and not by the count of requests. Its path, below the base path. */
export function isSync(path: string): boolean {
  return path === '/api/sync' || path.startsWith('/api/sync/')
}
