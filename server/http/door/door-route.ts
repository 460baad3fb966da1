/** A door: a route whose answer is that of a run, in words of its own. */
import type { Request } from 'express'
import type { z } from 'zod'
import type { Identity } from '../../auth/auth.ts'
import { requestIdOf } from '../../operation/request-id.ts'
import type { RunRequest } from '../../task/prompt.ts'
import type { Started } from '../../task/start.ts'
import { claimOf } from '../claims.ts'
import { refuseFlushMs } from '../run-requests.ts'
import type { Services } from '../services.ts'
import { keepHeaders } from '../kept-headers.ts'
import { route, type Content, type Route } from '../route.ts'
import { chatHeader, makeUnlistedChat, namedChat, titleOf } from './chat.ts'
import type { DoorSpeech } from './speech.ts'

const detachHeader = 'X-Runnel-Detach'
const flushHeader = 'X-Runnel-Flush-Ms'

/** What a request at a door wants. */
export interface Asked {
  request: RunRequest
  /** What is written into the chat as the user's. */
  question: string
  /** It goes on with the newest answer, instead of asking something new. */
  goesOn?: boolean
  /** The answer as it grows; else in one piece, when it has ended. */
  stream: boolean
}

interface DoorRow<Body extends z.ZodType> {
  /** Below `/v1`. */
  path: string
  summary: string
  body: Body
  whole: Content
  /** Throws `bad_request`, `forbidden`. */
  asked: (body: z.output<Body>, identity: Identity, services: Services) => Promise<Asked>
  speech: (body: z.output<Body>) => DoorSpeech
}

export function doorRoute<Body extends z.ZodType>({ path, summary, body, whole, asked, speech }: DoorRow<Body>): Route {
  return route({
    method: 'post',
    path,
    access: 'signedIn',
    repeatable: true,
    largeBody: true,
    openAiErrors: true,
    headers: {
      [chatHeader]: 'a chat to write into',
      [detachHeader]: 'true: a hang-up does not stop the run',
      [flushHeader]: 'ms between two writes of growing text, no fewer than RUNNEL_FLUSH_MS, 1000 at the most',
    },
    summary,
    body,
    responses: { 200: whole },
    errors: [404, 409, 500, 502, 504],
    async handle({ request, response, identity, body }, services) {
      const wanted = withFlushMs(await asked(body, identity, services), request, services)
      const started = await startRun(request, requestIdOf(response), identity, wanted, services)
      response.set({
        [chatHeader]: started.chatId,
        'X-Runnel-Message-Id': started.messageId,
        'X-Runnel-Task-Id': started.taskId,
      })
      keepHeaders(response)
      services.door.stopsWith(response, identity, started, request.get(detachHeader) === 'true')
      if (wanted.stream) await services.door.stream(response, identity, started, speech(body))
      else await services.door.whole(response, identity, started, speech(body))
    },
  })
}

/** Throws `bad_request`. */
function withFlushMs(wanted: Asked, request: Request, services: Services): Asked {
  const given = request.get(flushHeader)
  if (given === undefined) return wanted
  const flushMs = Number(given)
  refuseFlushMs(flushMs, flushHeader, services)
  return { ...wanted, request: { ...wanted.request, flushMs } }
}

/** Writes question and answer-to-be. Beside a run that is live in the chat, too: a program cannot be told to wait. */
async function startRun(
  request: Request,
  requestId: string,
  identity: Identity,
  { request: runRequest, question, goesOn = false }: Asked,
  services: Services,
): Promise<Started> {
  const { store, tasks, now } = services
  const named = await namedChat(request, identity, services)
  const claimed = claimOf(request, identity, now())
  const claim = claimed && { ...claimed, route: named ? `${claimed.route} ${named.id}` : claimed.route }
  // Before a chat is made for it.
  const repeated = claim && (await store.findClaim(claim))
  if (repeated) return repeated.response as Started
  const newest = named && (await store.newestMessage(named.id))
  const chat = named ?? (await makeUnlistedChat(identity, titleOf(question), services))
  let started: Started | undefined
  try {
    started = await tasks.start({
      user: identity.user,
      chat,
      claim,
      request: { ...runRequest, requestId },
      question: newest?.role === 'assistant' && goesOn ? null : { content: question },
      parentId: newest?.id ?? null,
    })
    return started
  } finally {
    // Made for nothing; what cannot go now goes when its time is over.
    if (!named && started?.chatId !== chat.id) void services.deletion.chat(chat).catch(() => {})
  }
}
