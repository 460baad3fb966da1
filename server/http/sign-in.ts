import { z } from 'zod'
import { route } from './route.ts'

const signInJson = z.object({
  required: z.boolean().describe('false: everybody is the one local user'),
  loginUrl: z.string().optional().describe('where people sign in; they come back to the page with `#token=…`'),
})

export const signInRoutes = [
  route({
    method: 'get',
    path: '/api/sign-in',
    access: 'open',
    summary: 'Whether people must sign in, and where',
    responses: { 200: signInJson },
    handle: ({ response }, { signIn }) => void response.json(signIn),
  }),
]
