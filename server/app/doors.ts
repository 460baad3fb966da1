/** Where requests come in: the routes, the doors of other APIs, and the server that all of it goes through. */
import type { IncomingMessage } from 'node:http'
import { Access } from '../auth/access.ts'
import { RunnelError } from '../../shared/errors.ts'
import { pathBelow } from '../config/base-path.ts'
import { Answers } from '../http/answers.ts'
import { createHttp } from '../http/app.ts'
import { DoorBodies } from '../http/door/bodies.ts'
import { Door } from '../http/door/door.ts'
import { rateLimits } from '../http/rate-limits.ts'
import { HtmlRenderer } from '../http/render/rendering.ts'
import type { Route } from '../http/route.ts'
import { otherRoute, routePattern } from '../http/route-pattern.ts'
import { isSync } from '../http/sync.ts'
import { UploadQuota } from '../http/upload-quota.ts'
import { States } from '../room/states.ts'
import { ToolStatus } from '../task/tool-status.ts'
import type { Models } from '../provider/models.ts'
import { findPage } from './adapters.ts'
import type { Callers } from './callers.ts'
import type { Foundation, Opened } from './foundation.ts'
import { answerLimits, connectionLimits, requestLimits, streamLimits } from './limits.ts'
import type { Runs } from './runs.ts'
import type { Screens } from './screens.ts'
import { Serving } from './serving.ts'

export type Doors = ReturnType<typeof openDoors>

/** `recover` comes before the first request. */
export function openDoors(
  foundation: Foundation,
  callers: Callers,
  screens: Screens,
  runs: Runs,
  models: Models,
  routes: readonly Route[],
  recover: () => Promise<void>,
  opened: Opened,
) {
  const { config, redact, log, now, store, authors, patient, files, metrics, reach } = foundation
  const { auth, signIn, access, addresses, origins, admit } = callers
  const { rooms, messages, sockets, sync, events, news } = screens
  const { chats, tools, tasks, deletion, patientMessages, filesUrl, requestOfLive } = runs
  const basePath = config.RUNNEL_BASE_PATH
  const door = new Door({
    access,
    tasks,
    store,
    rooms,
    now,
    catchUp: sockets.catchUp,
    limits: streamLimits(config),
    onError: (err, context) =>
      log.error(
        { err, ...requestOfLive(context.messageId), ...context },
        'a run could not be stopped after its caller hung up',
      ),
  })
  const html = new HtmlRenderer()
  const limits = rateLimits(config.RUNNEL_MAX_REQUESTS_PER_MINUTE, addresses)
  opened.push(() => limits.close())
  const maxUnattached = config.RUNNEL_MAX_UNATTACHED_FILES
  const http = createHttp({
    ...requestLimits(config),
    doorBodies: new DoorBodies(config.RUNNEL_MAX_DOOR_BODY_BYTES),
    models,
    routes,
    filesUrl,
    basePath,
    auth,
    signIn,
    access,
    origins,
    store,
    authors,
    chats,
    tasks,
    events,
    sync,
    door,
    addresses,
    limits,
    log,
    now,
    announcer: (chatId) => news.announcer(chatId),
    messages,
    html,
    states: new States(rooms, sockets.catchUp),
    files,
    deletion,
    uploads: new UploadQuota(patient, maxUnattached),
    waiting: {
      store: patient,
      access: new Access(patient),
      messages: patientMessages,
    },
    toolStatus: new ToolStatus(tools, redact, now),
    ready: async () => {
      if (!tasks.open) throw new RunnelError('restarting', 'The server is going down.')
      await reach()
    },
    accessChanged: (chatId) => news.accessChanged(chatId),
    tellUser: (userId, chatId, event) => news.announce(new Set([userId]), { type: 'chat', chatId, ...event }),
    pageFolder: findPage(),
  })
  const isSession = ({ url, originalUrl = url ?? '' }: IncomingMessage & { originalUrl?: string }) =>
    isSync((pathBelow(basePath, originalUrl) ?? '').split('?', 1)[0]!)
  const answers = new Answers({
    ...answerLimits(config),
    addressOf: (request) => addresses.keyOf(request),
    isSession,
    now,
  })
  const serving = new Serving({
    http,
    admit,
    onAnswered: (method, path, status) => metrics.answered(method, routePattern(path) ?? otherRoute(status), status),
    basePath,
    answers,
    addresses,
    limits: connectionLimits(config),
    takeUpgrades: (server, onUpgrade) => {
      // As an upgrade, a stream is counted with the sockets from then on.
      sync.onStream = onUpgrade
      return sockets.attach(server, onUpgrade)
    },
    recover,
  })
  return { door, html, limits, answers, serving }
}
