import { z } from 'zod'
import { RunnelError } from '../../shared/errors.ts'
import type { MessageRow } from '../store/store.ts'
import { messageOfTask } from './finders.ts'
import { pageOfList, pageQuery } from './page-query.ts'
import { route } from './route.ts'
import { pageOf, runJson } from './schemas.ts'

const listedTaskJson = runJson.extend({
  createdAt: z.int(),
  model: z.string(),
  place: z.int().optional().describe('one that waits is the so manieth of all that do on its node'),
})

export const taskRoutes = [
  route({
    method: 'get',
    path: '/api/tasks',
    access: 'signedIn',
    guests: true,
    summary: "The caller's live runs in all chats",
    query: pageQuery,
    responses: { 200: pageOf(listedTaskJson) },
    async handle({ response, identity, query }, { tasks }) {
      response.json(pageOfList(await tasks.list(identity.user.id), query))
    },
  }),

  route({
    method: 'post',
    path: '/api/tasks/:taskId/stop',
    waits: true,
    of: messageOfTask,
    access: 'editor',
    summary: 'Stop a run; one that has ended stays as it is',
    responses: { 200: runJson },
    errors: [409],
    async handle({ response, identity, params, subject: message }, { tasks }) {
      refuseOlderRun(message, params['taskId'])
      response.json(await tasks.stop(message, identity.user))
    },
  }),
]

/** A late stop never ends a newer run. Throws `not_current`. */
export function refuseOlderRun(message: MessageRow, taskId: string | undefined): void {
  if (taskId === undefined || taskId === message.taskId) return
  throw new RunnelError('not_current', 'That run is not the newest of this message.', {
    details: { taskId: message.taskId, status: message.status },
  })
}
