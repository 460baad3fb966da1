/**
 * The wire: every frame that either side sends, encoded and decoded by pure
 * functions. Rule ids (W1 …) are those of `docs/PROTOCOL.md`.
 */
import * as decoding from 'lib0/decoding'
import * as encoding from 'lib0/encoding'
import { RunnelError, type ErrorCode } from './errors.ts'
import type { MessageStatus } from './schema.ts'

export const protocolVersion = 1

export type Role = 'owner' | 'editor' | 'viewer'

export interface SubscribeRequest {
  doc: string
  /** Yjs state vector v1 of the copy that the client has; base64 on the wire. */
  stateVector?: Uint8Array
  /** Lineage of that copy, as `subscribed` told it. */
  lineage?: string
}

export type ClientControl =
  | { type: 'hello'; v: number; token?: string }
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
      event: 'created' | 'renamed' | 'deleted' | 'status'
      chatId: string
      title?: string
      messageId?: string
      status?: MessageStatus
    }
  | { type: 'tokenExpiring'; inMs: number }
  | { type: 'error'; code: ErrorCode; message: string }
  | { type: 'pong' }

/** The state vector is the one binary field of a control message: base64 on the wire (W4). */
export function encodeControl(message: ClientControl | ServerControl): string {
  return JSON.stringify(message, (_key, value: unknown) => (value instanceof Uint8Array ? toBase64(value) : value))
}

/** Decodes a client's text frame. Throws `bad_request` with the field that is wrong. */
export function decodeClientControl(text: string): ClientControl {
  const message = parseObject(text)
  switch (message.type) {
    case 'hello':
      return { type: 'hello', v: numberField(message, 'v'), ...optionalString(message, 'token') }
    case 'subscribe':
      return { type: 'subscribe', docs: arrayField(message, 'docs').map(subscribeRequest) }
    case 'unsubscribe':
      return {
        type: 'unsubscribe',
        docs: arrayField(message, 'docs').map((doc) => {
          if (typeof doc !== 'string') throw wrong('docs', 'must hold document ids')
          return doc
        }),
      }
    case 'token':
      return { type: 'token', token: stringField(message, 'token') }
    case 'ping':
      return { type: 'ping' }
    default:
      throw wrong('type', 'is none of hello, subscribe, unsubscribe, token, ping')
  }
}

/** Decodes a server's text frame; null for a message of a newer server, which is to be ignored (W3). */
export function decodeServerControl(text: string): ServerControl | null {
  const message = parseObject(text)
  switch (message.type) {
    case 'checkpoint':
      return {
        ...(message as unknown as Extract<ServerControl, { type: 'checkpoint' }>),
        stateVector: fromBase64(stringField(message, 'stateVector')),
      }
    case 'welcome':
    case 'subscribed':
    case 'refused':
    case 'role':
    case 'lagging':
    case 'caughtUp':
    case 'chat':
    case 'tokenExpiring':
    case 'error':
    case 'pong':
      return message as unknown as ServerControl
    default:
      return null
  }
}

/** One message of the stock y-protocols, as it stands in `/yjs` frames and inside channels. */
export type StockMessage =
  | { type: 'syncStep1'; stateVector: Uint8Array }
  | { type: 'syncStep2'; update: Uint8Array }
  | { type: 'update'; update: Uint8Array }
  | { type: 'awareness'; update: Uint8Array }
  | { type: 'permissionDenied'; reason: string }
  | { type: 'queryAwareness' }

const [sync, awareness, auth, queryAwareness] = [0, 1, 2, 3]
const [syncStep1, syncStep2, syncUpdate] = [0, 1, 2]

export function encodeStock(message: StockMessage): Uint8Array {
  return encoding.encode((encoder) => {
    const write = (...types: number[]) => {
      for (const type of types) encoding.writeVarUint(encoder, type)
    }
    switch (message.type) {
      case 'syncStep1':
        write(sync, syncStep1)
        return encoding.writeVarUint8Array(encoder, message.stateVector)
      case 'syncStep2':
        write(sync, syncStep2)
        return encoding.writeVarUint8Array(encoder, message.update)
      case 'update':
        write(sync, syncUpdate)
        return encoding.writeVarUint8Array(encoder, message.update)
      case 'awareness':
        write(awareness)
        return encoding.writeVarUint8Array(encoder, message.update)
      case 'permissionDenied':
        write(auth, 0)
        return encoding.writeVarString(encoder, message.reason)
      case 'queryAwareness':
        return write(queryAwareness)
    }
  })
}

/** Decodes one stock message. Throws `bad_request` for a type that does not exist or bytes that end too early. */
export function decodeStock(bytes: Uint8Array): StockMessage {
  return orBadFrame(() => {
    const decoder = decoding.createDecoder(bytes)
    const type = decoding.readVarUint(decoder)
    if (type === queryAwareness) return { type: 'queryAwareness' }
    if (type === awareness) return { type: 'awareness', update: decoding.readVarUint8Array(decoder) }
    const kind = decoding.readVarUint(decoder)
    if (type === auth && kind === 0) return { type: 'permissionDenied', reason: decoding.readVarString(decoder) }
    if (type === sync && kind === syncStep1)
      return { type: 'syncStep1', stateVector: decoding.readVarUint8Array(decoder) }
    if (type === sync && kind === syncStep2) return { type: 'syncStep2', update: decoding.readVarUint8Array(decoder) }
    if (type === sync && kind === syncUpdate) return { type: 'update', update: decoding.readVarUint8Array(decoder) }
    throw new RunnelError('bad_request', `A frame holds an unknown message type (${type}, ${kind}).`)
  })
}

/** One participant's state in an awareness message; `state` is JSON, `null` for one who has left. */
export interface AwarenessEntry {
  clientId: number
  clock: number
  state: string
}

/** The y-protocols awareness update: what an `awareness` message carries (W19). */
export function encodeAwareness(entries: readonly AwarenessEntry[]): Uint8Array {
  return encoding.encode((encoder) => {
    encoding.writeVarUint(encoder, entries.length)
    for (const { clientId, clock, state } of entries) {
      encoding.writeVarUint(encoder, clientId)
      encoding.writeVarUint(encoder, clock)
      encoding.writeVarString(encoder, state)
    }
  })
}

/** Throws `bad_request`. */
export function decodeAwareness(update: Uint8Array): AwarenessEntry[] {
  return orBadFrame(() => {
    const decoder = decoding.createDecoder(update)
    const entries: AwarenessEntry[] = []
    for (let left = decoding.readVarUint(decoder); left > 0; left--) {
      entries.push({
        clientId: decoding.readVarUint(decoder),
        clock: decoding.readVarUint(decoder),
        state: decoding.readVarString(decoder),
      })
    }
    return entries
  })
}

export interface ChannelMessage {
  channel: number
  message: Uint8Array
}

/** `varUint channel, varUint8Array message` (W5). */
export function encodeChannelMessage(channel: number, message: Uint8Array): Uint8Array {
  return encoding.encode((encoder) => {
    encoding.writeVarUint(encoder, channel)
    encoding.writeVarUint8Array(encoder, message)
  })
}

/** Decodes a binary frame of `/ws`: one or more channel messages. Throws `bad_request`. */
export function decodeChannelMessages(frame: Uint8Array): ChannelMessage[] {
  return orBadFrame(() => {
    const decoder = decoding.createDecoder(frame)
    const messages: ChannelMessage[] = []
    do {
      messages.push({ channel: decoding.readVarUint(decoder), message: decoding.readVarUint8Array(decoder) })
    } while (decoding.hasContent(decoder))
    return messages
  })
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
  return orBadFrame(() => {
    const decoder = decoding.createDecoder(bytes)
    const size = decoding.readVarUint(decoder)
    if (size > maxClients) throw new RunnelError('bad_request', 'A state vector names too many clients.')
    const vector = new Map<number, number>()
    for (let i = 0; i < size; i++) vector.set(decoding.readVarUint(decoder), decoding.readVarUint(decoder))
    if (decoding.hasContent(decoder)) throw new RunnelError('bad_request', 'A state vector has bytes left over.')
    return vector
  })
}

function orBadFrame<T>(decode: () => T): T {
  try {
    return decode()
  } catch (error) {
    if (error instanceof RunnelError) throw error
    throw new RunnelError('bad_request', 'A frame ends too early or is no valid message.', { cause: error })
  }
}

type Fields = Record<string, unknown>

function wrong(field: string, what: string): RunnelError {
  return new RunnelError('bad_request', `A control message is wrong: ${field} ${what}.`, { details: { field } })
}

function parseObject(text: string): Fields {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch (error) {
    throw new RunnelError('bad_request', 'A text frame is no JSON.', { cause: error })
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw wrong('message', 'must be a JSON object')
  return value as Fields
}

function stringField(message: Fields, field: string): string {
  const value = message[field]
  if (typeof value !== 'string') throw wrong(field, 'must be a string')
  return value
}

function optionalString<Field extends string>(message: Fields, field: Field): { [K in Field]?: string } {
  return message[field] === undefined ? {} : ({ [field]: stringField(message, field) } as { [K in Field]?: string })
}

function numberField(message: Fields, field: string): number {
  const value = message[field]
  if (typeof value !== 'number') throw wrong(field, 'must be a number')
  return value
}

function arrayField(message: Fields, field: string): unknown[] {
  const value = message[field]
  if (!Array.isArray(value)) throw wrong(field, 'must be an array')
  return value
}

function subscribeRequest(value: unknown): SubscribeRequest {
  if (typeof value !== 'object' || value === null) throw wrong('docs', 'must hold objects')
  const request = value as Fields
  const vector = optionalString(request, 'stateVector').stateVector
  return {
    doc: stringField(request, 'doc'),
    ...optionalString(request, 'lineage'),
    ...(vector === undefined ? {} : { stateVector: fromBase64(vector) }),
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
