import { Router } from 'express'
import { RunnelError } from '../../shared/errors.ts'
import type { Access } from '../auth/access.ts'
import type { Store } from '../store/store.ts'
import type { Tasks } from '../task/tasks.ts'
import { caller } from './caller.ts'

/** `/api/tasks` */
export function taskRoutes({ tasks, store, access }: { tasks: Tasks; store: Store; access: Access }): Router {
  const router = Router()

  router.get('/', (_request, response) => {
    response.json({ items: tasks.list(caller(response).id) })
  })

  router.post('/:taskId/stop', async (request, response) => {
    const user = caller(response)
    const { taskId } = request.params
    const run = tasks.find(taskId)
    if (run) {
      await access.message(user, run.messageId)
      return void response.json(tasks.stop(run))
    }
    const row = await store.findTask(taskId)
    if (!row) throw new RunnelError('not_found', 'There is no such task.')
    const { message } = await access.message(user, row.id)
    response.json({ taskId, messageId: message.id, chatId: message.chatId, status: message.status })
  })

  return router
}
