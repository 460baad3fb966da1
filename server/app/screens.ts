/** What is shown live, and to whom: documents, sockets, event streams, and what nodes tell each other's screens. */
import { EventStreams } from '../events/event-streams.ts'
import { Rooms } from '../room/rooms.ts'
import { Sockets } from '../socket/sockets.ts'
import { Sync } from '../socket/sync.ts'
import { MessageReader } from '../task/message-reader.ts'
import type { Callers } from './callers.ts'
import type { Foundation } from './foundation.ts'
import { socketLimits, streamLimits } from './limits.ts'
import { News } from './news.ts'

export type Screens = ReturnType<typeof makeScreens>

export function makeScreens(
  {
    config,
    log,
    now,
    store,
    authors,
    cluster,
    metrics,
    operation,
  }: Pick<Foundation, 'config' | 'log' | 'now' | 'store' | 'authors' | 'cluster' | 'metrics' | 'operation'>,
  { auth, access, addresses, origins, admission, admit }: Callers,
) {
  const rooms = new Rooms({
    cluster,
    flushMs: config.RUNNEL_FLUSH_MS,
    now,
    authors,
    onShown: metrics.shown,
    onFault: (err, doc) => log.error({ err, doc }, 'showing a document met an error'),
    onEvict: (doc, writer) => store.releaseEpoch(doc, writer.epoch),
  })
  const messages = new MessageReader(rooms, store)
  const sockets = new Sockets({
    auth,
    access,
    origins,
    rooms,
    addresses,
    admission,
    admit,
    onRefused: operation.onRefused,
    onFault: (err) => log.error({ err }, 'serving a socket met an error'),
    now,
    basePath: config.RUNNEL_BASE_PATH,
    maxPresenceBytes: config.RUNNEL_MAX_PRESENCE_BYTES,
    catchUpMaxBytes: config.RUNNEL_CATCHUP_MAX_BYTES,
    limits: socketLimits(config),
  })
  const sync = new Sync({
    conversations: sockets.conversations,
    cluster,
    admission,
    addresses,
    limits: socketLimits(config),
    onRefused: operation.onRefused,
    now,
  })
  const events = new EventStreams({
    access,
    addresses,
    admission,
    rooms,
    messages,
    now,
    catchUp: sockets.catchUp,
    limits: streamLimits(config),
  })
  const news = new News(cluster, { access, rooms, sockets, sync }, store)
  return { rooms, messages, sockets, sync, events, news }
}
