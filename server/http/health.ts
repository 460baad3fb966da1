import { z } from 'zod'
import { route } from './route.ts'

export const healthRoutes = [
  route({
    method: 'get',
    path: '/healthz',
    access: 'open',
    summary: 'The process answers',
    responses: { 200: z.object({ status: z.literal('ok') }) },
    handle: ({ response }) => void response.json({ status: 'ok' }),
  }),
  route({
    method: 'get',
    path: '/readyz',
    access: 'open',
    summary: 'The server should get traffic',
    responses: { 200: z.object({ status: z.literal('ready') }) },
    async handle({ response }, { ready }) {
      await ready()
      response.json({ status: 'ready' })
    },
  }),
]
