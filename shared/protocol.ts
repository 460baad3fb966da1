/**
 * The wire: every frame that either side sends, encoded and decoded by pure
 * functions. Rule ids (W1 …) are those of `docs/PROTOCOL.md`.
 */
import { messagePermissionDenied as denied } from 'y-protocols/auth'
import {
  messageYjsSyncStep1 as syncStep1,
  messageYjsSyncStep2 as syncStep2,
  messageYjsUpdate as syncUpdate,
} from 'y-protocols/sync'
import { errorCodes, RunnelError, type ErrorCode } from './errors.ts'
import { Fields, wrong } from './fields.ts'
import { runningStatuses, terminalStatuses, type MessageStatus } from './schema.ts'
import { checked, WireReader, writeParts } from './wire.ts'

const roles = ['owner', 'editor', 'viewer'] as const
export type Role = (typeof roles)[number]

export interface SubscribeRequest {
  doc: string
  /** Yjs state vector v1 of the copy that the client has; base64 on the wire. */
  stateVector?: Uint8Array
  /** Lineage of that copy, as `subscribed` told it. */
  lineage?: string
}

export type ClientControl =
  /** From which version on, and up to which, the client speaks. */
  | { type: 'hello'; v: number; max?: number; token?: string }
  | { type: 'subscribe'; docs: SubscribeRequest[] }
  | { type: 'unsubscribe'; docs: string[] }
  | { type: 'token'; token: string }
  | { type: 'ping' }

export interface Subscribed {
  doc: string
  channel: number
  lineage: string
  /** The copy that the client has is not of this document's history: discard it before the next frame. */
  reset: boolean
  role: Role
}

const chatEvents = ['created', 'renamed', 'changed', 'deleted', 'status', 'read'] as const

export type ServerControl =
  | { type: 'welcome'; v: number; user: { id: string; name: string }; heartbeatMs: number }
  | { type: 'subscribed'; docs: Subscribed[] }
  | { type: 'refused'; doc: string; code: ErrorCode; message: string }
  | { type: 'role'; doc: string; role: Role }
  | { type: 'checkpoint'; channel: number; stateVector: Uint8Array; digest: string; final: boolean }
  | { type: 'lagging'; channel: number }
  | { type: 'caughtUp'; channel: number }
  | {
      type: 'chat'
      event: (typeof chatEvents)[number]
      chatId: string
      title?: string
      messageId?: string
      status?: MessageStatus
      /** Up to when this user has read it, epoch ms. */
      readAt?: number
    }
  /** Over HTTP alone: what requests that speak to this session call it. */
  | { type: 'sync'; session: string }
  | { type: 'tokenExpiring'; inMs: number }
  | { type: 'error'; code: ErrorCode; message: string }
  | { type: 'pong' }

/** A heartbeat twice as long must still be what a timer takes. */
const maxHeartbeatMs = 2 ** 30

/** The state vector is the one binary field of a control message: base64 on the wire (W4). */
export function encodeControl(message: ClientControl | ServerControl): string {
  return JSON.stringify(message, (_key, value: unknown) => {
    if (typeof value === 'number') return checked(value)
    return value instanceof Uint8Array ? toBase64(value) : value
  })
}

/** Decodes a client's text frame. Throws `bad_request` with the field that is wrong. */
export function decodeClientControl(text: string): ClientControl {
  const message = Fields.parse(text)
  switch (message.text('type')) {
    case 'hello':
      return {
        type: 'hello',
        v: message.whole('v'),
        ...(!message.isAbsent('max') && { max: message.whole('max') }),
        ...message.optionalText('token'),
      }
    case 'subscribe':
      return { type: 'subscribe', docs: message.list('docs').map(subscribeRequest) }
    case 'unsubscribe':
      return { type: 'unsubscribe', docs: message.texts('docs') }
    case 'token':
      return { type: 'token', token: message.text('token') }
    case 'ping':
      return { type: 'ping' }
    default:
      throw wrong('type', 'is none of hello, subscribe, unsubscribe, token, ping')
  }
}

/** Decodes a server's text frame; null for a message of a newer server, which is to be ignored (W3). Throws `bad_request`. */
export function decodeServerControl(text: string): ServerControl | null {
  const message = Fields.parse(text)
  const type = message.text('type')
  switch (type) {
    case 'welcome': {
      const user = message.fields('user')
      return {
        type,
        v: message.whole('v'),
        user: { id: user.text('id'), name: user.text('name') },
        heartbeatMs: message.whole('heartbeatMs', 1, maxHeartbeatMs),
      }
    }
    case 'subscribed':
      return { type, docs: message.list('docs').map((value) => subscribed(Fields.of(value, 'docs'))) }
    case 'refused':
      return { type, doc: message.text('doc'), code: codeOf(message), message: message.text('message') }
    case 'role':
      return { type, doc: message.text('doc'), role: message.oneOf('role', roles) }
    case 'checkpoint':
      return {
        type,
        channel: message.whole('channel'),
        stateVector: fromBase64(message.text('stateVector')),
        digest: message.text('digest'),
        final: message.flag('final'),
      }
    case 'lagging':
    case 'caughtUp':
      return { type, channel: message.whole('channel') }
    case 'chat': {
      const chatId = message.text('chatId')
      const more = { ...message.optionalText('title'), ...message.optionalText('messageId') }
      const event = message.known('event', chatEvents)
      const status = message.isAbsent('status') ? undefined : message.known('status', statuses)
      if (event === null || status === null) return null
      return {
        type,
        event,
        chatId,
        ...more,
        ...(status === undefined ? {} : { status }),
        ...(message.isAbsent('readAt') ? {} : { readAt: message.whole('readAt') }),
      }
    }
    case 'sync':
      return { type, session: message.text('session') }
    case 'tokenExpiring':
      return { type, inMs: message.whole('inMs') }
    case 'error':
      return { type, code: codeOf(message), message: message.text('message') }
    case 'pong':
      return { type }
    default:
      return null
  }
}

const statuses: readonly MessageStatus[] = [...runningStatuses, ...terminalStatuses]

function subscribed(answer: Fields): Subscribed {
  return {
    doc: answer.text('doc'),
    channel: answer.whole('channel'),
    lineage: answer.text('lineage'),
    reset: answer.flag('reset'),
    role: answer.oneOf('role', roles),
  }
}

/** One of a newer server is treated as `internal`. */
function codeOf(message: Fields): ErrorCode {
  return message.known('code', errorCodes) ?? 'internal'
}

/** One message of the stock y-protocols, as it stands in `/yjs` frames and inside channels. */
export type StockMessage =
  | { type: 'syncStep1'; stateVector: Uint8Array }
  | { type: 'syncStep2'; update: Uint8Array }
  | { type: 'update'; update: Uint8Array }
  | { type: 'awareness'; update: Uint8Array }
  | { type: 'permissionDenied'; reason: string }
  | { type: 'queryAwareness' }

// The outermost type is y-websocket's, which has no constants for it; what lies in a message is y-protocols'.
const [sync, awareness, auth, queryAwareness] = [0, 1, 2, 3]

export function encodeStock(message: StockMessage): Uint8Array {
  switch (message.type) {
    case 'syncStep1':
      return writeParts([sync, syncStep1, message.stateVector])
    case 'syncStep2':
      return writeParts([sync, syncStep2, message.update])
    case 'update':
      return writeParts([sync, syncUpdate, message.update])
    case 'awareness':
      return writeParts([awareness, message.update])
    case 'permissionDenied':
      return writeParts([auth, denied, message.reason])
    case 'queryAwareness':
      return writeParts([queryAwareness])
  }
}

/** Decodes one stock message. Throws `bad_request` for a type that does not exist or bytes that end too early. */
export function decodeStock(bytes: Uint8Array): StockMessage {
  const reader = new WireReader(bytes)
  const type = reader.uint()
  if (type === queryAwareness) return { type: 'queryAwareness' }
  if (type === awareness) return { type: 'awareness', update: reader.bytes() }
  const kind = reader.uint()
  if (type === auth && kind === denied) return { type: 'permissionDenied', reason: reader.text() }
  if (type === sync && kind === syncStep1) return { type: 'syncStep1', stateVector: reader.bytes() }
  if (type === sync && kind === syncStep2) return { type: 'syncStep2', update: reader.bytes() }
  if (type === sync && kind === syncUpdate) return { type: 'update', update: reader.bytes() }
  throw new RunnelError('bad_request', `A frame holds an unknown message type (${type}, ${kind}).`)
}

/** One participant's state in an awareness message; `state` is JSON, `null` for one who has left. */
export interface AwarenessEntry {
  clientId: number
  clock: number
  state: string
}

/** The y-protocols awareness update: what an `awareness` message carries (W19). */
export function encodeAwareness(entries: readonly AwarenessEntry[]): Uint8Array {
  return writeParts([
    entries.length,
    ...entries.flatMap(({ clientId, clock, state }) => [clientId, clock, state] as const),
  ])
}

/** Throws `bad_request`, also for more than `maxEntries`. */
export function decodeAwareness(update: Uint8Array, maxEntries?: number): AwarenessEntry[] {
  const reader = new WireReader(update)
  const entries: AwarenessEntry[] = []
  for (let left = reader.uint(maxEntries); left > 0; left--)
    entries.push({ clientId: reader.uint(), clock: reader.uint(), state: reader.text() })
  return entries
}

export interface ChannelMessage {
  channel: number
  message: Uint8Array
}

/** `varUint channel, varUint8Array message` (W5). */
export function encodeChannelMessage(channel: number, message: Uint8Array): Uint8Array {
  return writeParts([channel, message])
}

/** A binary frame of `/ws`: one or more channel messages, decoded as they are taken. Throws `bad_request`. */
export function* decodeChannelMessages(frame: Uint8Array): Generator<ChannelMessage> {
  const reader = new WireReader(frame)
  do yield { channel: reader.uint(), message: reader.bytes() }
  while (reader.left > 0)
}

/** Of the messages only these would change a document; what they carry may be nothing. */
export function isWrite(message: StockMessage): boolean {
  return (message.type === 'syncStep2' || message.type === 'update') && !isEmptyUpdate(message.update)
}

/** A Yjs update that holds nothing: what an empty SyncStep2 carries. */
export function isEmptyUpdate(update: Uint8Array): boolean {
  return update.length === 2 && update[0] === 0 && update[1] === 0
}

/**
 * A state vector, client id → clock. Throws `bad_request` if its bytes are no
 * state vector; `maxClients` bounds what a hostile one can cost.
 */
export function decodeStateVector(bytes: Uint8Array, maxClients = 20_000): Map<number, number> {
  const reader = new WireReader(bytes)
  const size = reader.uint()
  if (size > maxClients) throw new RunnelError('bad_request', 'A state vector names too many clients.')
  const vector = new Map<number, number>()
  for (let i = 0; i < size; i++) vector.set(reader.uint(), reader.uint())
  if (reader.left > 0) throw new RunnelError('bad_request', 'A state vector has bytes left over.')
  return vector
}

function subscribeRequest(value: unknown): SubscribeRequest {
  const request = Fields.of(value, 'docs')
  const { stateVector } = request.optionalText('stateVector')
  return {
    doc: request.text('doc'),
    ...request.optionalText('lineage'),
    ...(stateVector === undefined ? {} : { stateVector: fromBase64(stateVector) }),
  }
}

function toBase64(bytes: Uint8Array): string {
  let binary = ''
  for (const byte of bytes) binary += String.fromCharCode(byte)
  return btoa(binary)
}

function fromBase64(text: string): Uint8Array {
  let binary: string
  try {
    binary = atob(text)
  } catch (error) {
    throw new RunnelError('bad_request', 'A state vector is no base64.', { cause: error })
  }
  return Uint8Array.from(binary, (character) => character.charCodeAt(0))
}
