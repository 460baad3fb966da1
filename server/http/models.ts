import { z } from 'zod'
import { pageOfList, pageQuery } from './page-query.ts'
import { route } from './route.ts'
import { pageOf } from './schemas.ts'

/** What is absent is not known. */
const modelJson = z.object({
  id: z.string().describe('as a request names it'),
  provider: z.string(),
  name: z.string().optional(),
  images: z.boolean().optional().describe('it reads images'),
  tools: z.boolean().optional().describe('it calls tools'),
  reasoning: z.boolean().optional(),
  contextTokens: z.int().optional(),
  isDefault: z.literal(true).optional().describe('it answers where a request names none'),
})

export const modelRoutes = [
  route({
    method: 'get',
    path: '/api/models',
    access: 'signedIn',
    guests: true,
    summary: 'The models that the caller may ask, with what is known of them',
    query: pageQuery,
    responses: { 200: pageOf(modelJson) },
    handle({ response, identity, query }, { models }) {
      response.json(pageOfList(models.list(identity.models), query))
    },
  }),
]
