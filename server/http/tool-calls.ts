import { z } from 'zod'
import type { CallAnswer } from '../task/run.ts'
import { requestIdOf } from '../operation/request-id.ts'
import { messageOfPath } from './finders.ts'
import { route } from './route.ts'
import { blockJson } from './block-schemas.ts'
import { jsonObject } from './schemas.ts'
import { sendJson } from './send-json.ts'

const answerBody = z.union([
  z
    .strictObject({
      decision: z.enum(['approve', 'deny']),
      reason: z.string().max(2_000).optional().describe('told to the model where the call is denied'),
      arguments: z
        .union([z.string(), jsonObject])
        .optional()
        .describe('what it runs with instead, JSON or its text; only with approve'),
    })
    .refine(({ decision, arguments: args }) => decision === 'approve' || args === undefined, {
      path: ['arguments'],
      message: 'belong to a call that is approved',
    }),
  z.strictObject({
    output: z
      .unknown()
      .refine((value) => value !== undefined, 'is missing')
      .describe('what came of a call that a client runs; text as it is, anything else as JSON'),
  }),
])

export const toolCallRoutes = [
  route({
    method: 'post',
    path: '/api/messages/:messageId/tool-calls/:callId',
    waits: true,
    of: messageOfPath,
    access: 'editor',
    summary:
      'Allow a call that waits for it, also with other arguments, or deny it, or give the output of one that a client runs; the first answer wins',
    body: answerBody,
    responses: { 200: blockJson },
    errors: [409, 502],
    async handle({ response, identity, params, subject: message, body }, { tasks, models }) {
      const answer =
        'decision' in body
          ? decisionOf(body)
          : { output: typeof body.output === 'string' ? body.output : JSON.stringify(body.output) }
      await sendJson(
        response,
        await tasks.answerCall(message, params['callId']!, answer, {
          user: identity.user,
          requestId: requestIdOf(response),
          choose: (model) => models.choose(model, identity.models),
        }),
      )
    },
  }),
]

type Decision = Extract<z.output<typeof answerBody>, { decision: string }>

function decisionOf({ arguments: args, ...decision }: Decision): CallAnswer {
  if (args === undefined) return decision
  return { ...decision, arguments: typeof args === 'string' ? args : JSON.stringify(args) }
}
