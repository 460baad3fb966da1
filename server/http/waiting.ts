/** Messages that wait until the answer before them has ended. */
import { z } from 'zod'
import { isRunnelError } from '../../shared/errors.ts'
import type { WaitingMessage } from '../store/store.ts'
import { sentAlready } from '../task/waiting-messages.ts'
import { wholeEntry } from '../task/waiting-entry.ts'
import { byJson } from './block-schemas.ts'
import { chatOfPath } from './finders.ts'
import { pageOfList, pageQuery } from './page-query.ts'
import type { Services } from './services.ts'
import { route, type Find } from './route.ts'
import { startedJson } from './run-requests.ts'
import { jsonObject, pageOf } from './schemas.ts'

const waitingJson = z.object({
  id: z.string().describe('of the question that it becomes'),
  by: byJson,
  editedBy: byJson.optional().describe('who has changed its words since, if somebody else'),
  createdAt: z.int(),
  text: z.string(),
  files: z.array(jsonObject).optional(),
  model: z.string(),
  tools: z.array(z.union([z.string(), jsonObject])).optional(),
  params: jsonObject.optional(),
  refused: z
    .object({ code: z.string(), message: z.string() })
    .optional()
    .describe('why it is not sent, until somebody sends it again'),
})

const waitingPatch = z
  .strictObject({
    content: z.string().min(1).optional(),
    before: z.string().max(100).optional().describe('id of another that waits in this chat'),
    after: z.string().max(100).optional(),
  })
  .refine((patch) => Object.keys(patch).length > 0, 'must say what is to be changed')
  .refine(({ before, after }) => before === undefined || after === undefined, 'must not have both before and after')

/** The one of `:waitingId` in the chat of `:chatId`. */
const waitingOfPath: Find<WaitingMessage> = async (target, services) => {
  await chatOfPath(target, services)
  return await read(target.params, services)
}

/** As `waitingOfPath`; who has written it needs no more than membership. */
const ownWaitingOfPath: Find<WaitingMessage> = async (target, services) => {
  await chatOfPath({ ...target, needed: 'viewer' }, services)
  const waiting = await read(target.params, services).catch((error: unknown) => {
    if (isRunnelError(error) && error.code === 'not_found') return null
    throw error
  })
  if (waiting?.userId !== target.identity.user.id) await chatOfPath(target, services)
  if (!waiting) throw sentAlready()
  return waiting
}

async function read(
  { chatId, waitingId }: Readonly<Record<string, string>>,
  { store }: Services,
): Promise<WaitingMessage> {
  const waiting = await store.getWaiting(waitingId!)
  if (waiting?.chatId !== chatId) throw sentAlready()
  return waiting!
}

export const waitingRoutes = [
  route({
    method: 'get',
    path: '/api/chats/:chatId/waiting',
    of: chatOfPath,
    access: 'viewer',
    summary: 'The messages that wait in a chat, whole, in the order in which they are taken',
    query: pageQuery,
    responses: { 200: pageOf(waitingJson) },
    async handle({ response, subject: chat, query }, { tasks }) {
      response.json(pageOfList((await tasks.waiting.of(chat.id)).map(wholeEntry), query))
    },
  }),

  route({
    method: 'patch',
    path: '/api/chats/:chatId/waiting/:waitingId',
    of: waitingOfPath,
    access: 'editor',
    summary: 'Change the words of a message that waits, or its place',
    body: waitingPatch,
    responses: { 200: waitingJson },
    async handle({ response, identity, subject, body: { content, before, after } }, { tasks }) {
      const place = before !== undefined ? { before } : after !== undefined ? { after } : undefined
      const changed = await tasks.waiting.change(
        subject,
        { ...(content !== undefined && { content }), ...(place && { place }) },
        identity.user,
      )
      response.json(wholeEntry(changed))
    },
  }),

  route({
    method: 'delete',
    path: '/api/chats/:chatId/waiting/:waitingId',
    of: ownWaitingOfPath,
    access: 'editor',
    self: true,
    summary: 'Remove a message that waits; who has written it may do so in any role',
    responses: { 204: null },
    async handle({ response, subject }, { tasks, deletion }) {
      await deletion.bytes(await tasks.waiting.remove(subject))
      response.status(204).end()
    },
  }),

  route({
    method: 'post',
    path: '/api/chats/:chatId/waiting/:waitingId/send',
    of: waitingOfPath,
    access: 'editor',
    summary: 'Send a message that waits at once: it goes before all others, and the run that they wait for is stopped',
    responses: { 202: startedJson },
    async handle({ response, identity, subject }, { tasks }) {
      response.status(202).json(await tasks.waiting.send(subject, identity.user))
    },
  }),
]
