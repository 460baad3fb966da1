import { z } from 'zod'
import { route } from './route.ts'

const since = z.int().describe('epoch milliseconds')
const serverFields = {
  name: z.string(),
  transport: z.enum(['stdio', 'http', 'program']),
  since,
  leftOut: z
    .array(z.object({ tool: z.string().optional(), reason: z.string() }))
    .describe('what of it is not offered to models, and why'),
}
const toolJson = z.object({
  name: z.string().describe('as the model calls it, and as `tools` of a request names it'),
  server: z.string().optional().describe('the tool server that it is of'),
  original: z.string().describe('what its server calls it'),
  title: z.string().optional(),
  description: z.string(),
  approval: z.enum(['never', 'always', 'depends']).describe('does a person have to say yes first?'),
})

export const toolRoutes = [
  route({
    method: 'get',
    path: '/api/tools',
    access: 'signedIn',
    summary: 'The tools that models may call here, and the servers that they are of',
    responses: {
      200: z.object({
        servers: z.array(
          z.discriminatedUnion('state', [
            z.object({ ...serverFields, state: z.enum(['connecting', 'connected']) }),
            z.object({ ...serverFields, state: z.literal('failed'), error: z.string() }),
          ]),
        ),
        tools: z.array(toolJson),
      }),
    },
    async handle({ response }, { toolStatus }) {
      response.json(await toolStatus.read())
    },
  }),
]
