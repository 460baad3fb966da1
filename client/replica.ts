import * as Y from 'yjs'
import { errorRow, type ErrorCode } from '../shared/errors.ts'
import {
  decodeStateVector,
  decodeStock,
  type Role,
  type ServerControl,
  type Subscribed,
  type SubscribeRequest,
} from '../shared/protocol.ts'
import { readDocument } from '../shared/schema.ts'
import type { DocumentState } from './api-types.ts'
import { hasDigest } from './check.ts'
import { JsonView, type TextTail } from './json-view.ts'
import { Listeners } from './listeners.ts'
import { Others } from './presence.ts'

export type Checkpoint = Extract<ServerControl, { type: 'checkpoint' }>

/** How a copy stands to the server's document. What is shown stays shown while the line is down. */
export type ReplicaState =
  /** Nothing has come yet. */
  | { readonly status: 'loading' }
  /** It is here, as the server had it when the line was there last, or over HTTP before there was one. */
  | { readonly status: 'live' }
  /** This connection reads too slowly: one difference will bring it up to date. */
  | { readonly status: 'lagging' }
  /** The server does not show this document; it may be gone. */
  | { readonly status: 'refused'; readonly error: ReplicaError }
  /** Differs from the server's copy, and did so after being loaded again. */
  | { readonly status: 'diverged'; readonly error: ReplicaError }

export interface ReplicaError {
  readonly code: ErrorCode
  /** A sentence for a person. */
  readonly message: string
}

export const loading: ReplicaState = { status: 'loading' }
export const live: ReplicaState = { status: 'live' }
const lagging: ReplicaState = { status: 'lagging' }
const diverged: ReplicaState = {
  status: 'diverged',
  error: {
    code: 'internal',
    message: 'This copy differs from the server’s, also after it was loaded again. Reload the page.',
  },
}

/** What a frame changed, beside the state. */
export interface ReplicaChange {
  /** Another document stands in the place of the old one. */
  readonly replaced: boolean
  /** Texts of the old document that grew or changed. */
  readonly tails: readonly TextTail[]
}

interface Copy {
  readonly doc: Y.Doc
  readonly view: JsonView
  /** Of which history it is. */
  readonly lineage: string
}

/**
 * The copy of one document on this client. It only ever takes what the server
 * sends. A copy that turns out wrong stays on show until its successor has
 * arrived whole.
 */
export class Replica {
  readonly id: string
  readonly listeners = new Listeners<ReplicaChange>()
  /** A checkpoint has just matched. */
  onConfirmed: () => void = () => {}
  /** Who else has this document open; chats only. */
  readonly others: Others
  #state: ReplicaState = loading
  #shown: Copy | null = null
  /** Filled behind the scene in place of `#shown`. */
  #successor: Y.Doc | null = null
  #lineage: string | undefined
  #role: Role | null = null
  /** `#shown` is not to be built upon: the next subscribe asks for everything. */
  #discarded = false
  /** A copy was found wrong, and no checkpoint has matched since. */
  #suspect = false
  /** What another line brought meanwhile may be ahead of what this one covers. */
  #isOverlapped = false
  /** Nothing has changed since the server's word that this copy is right. */
  #isConfirmed = false
  /** How many updates have come. */
  #received = 0
  #changed = false
  #replaced = false
  readonly #reload: (replica: Replica) => void

  /** `reload` must subscribe anew; it is called when this copy was found wrong. */
  constructor(id: string, reload: (replica: Replica) => void, presenceId = 1) {
    this.id = id
    this.others = new Others(presenceId)
    this.#reload = reload
  }

  get state(): ReplicaState {
    return this.#state
  }

  /** The document on show and its JSON; null before the first state came. The same object until the document is replaced. */
  get shown(): Copy | null {
    return this.#shown
  }

  /** A checkpoint, or an answer over HTTP, has said that this is what the server has; nothing has come since. */
  get isConfirmed(): boolean {
    return this.#isConfirmed
  }

  /** What this user may do in the chat of this document; null before the server has said it. */
  get role(): Role | null {
    return this.#role
  }

  /** What to ask the server for: what this copy lacks, or everything. */
  request(): SubscribeRequest {
    if (this.#state === diverged) this.discard()
    if (!this.#shown || this.#discarded || this.#lineage === undefined) return { doc: this.id }
    return { doc: this.id, stateVector: Y.encodeStateVector(this.#shown.doc), lineage: this.#lineage }
  }

  /** Builds no further on this copy, which stays on show. */
  discard(): void {
    this.#discarded = true
    this.#dropSuccessor()
  }

  subscribed({ lineage, reset, role }: Subscribed): void {
    // The state that follows makes it seen.
    this.#role = role
    this.#forgetOthers()
    this.#dropSuccessor()
    this.#isConfirmed = false
    if (!this.#shown || this.#discarded || reset || lineage !== this.#lineage) {
      this.#discarded = true
      this.#successor = new Y.Doc({ guid: this.id })
    }
    this.#lineage = lineage
    if (this.#state === lagging) this.#show(live)
  }

  /** All of the document, which came another way than on the line. It is shown, and built upon when the line brings more. */
  take({ lineage, update }: DocumentState): void {
    const known = this.#discarded || lineage !== this.#lineage ? null : this.#shown
    const doc = known?.doc ?? new Y.Doc({ guid: this.id })
    try {
      Y.applyUpdate(doc, update)
    } catch {
      // What of it was applied is not known.
      if (known) this.#discarded = true
      else doc.destroy()
      return
    }
    this.#changed = true
    if (!known) {
      this.#lineage = lineage
      this.#showCopy(doc, lineage)
    }
    this.#isConfirmed = true
    this.#state = live
  }

  hasRole(role: Role): void {
    if (role !== this.#role) this.#changed = true
    this.#role = role
  }

  /** Takes one message of the document's channel. Bytes that are no update make this copy a wrong one. */
  receive(bytes: Uint8Array): void {
    const doc = this.#successor ?? this.#shown?.doc
    if (!doc) return
    try {
      const message = decodeStock(bytes)
      if (message.type === 'awareness') {
        if (this.others.receive(message.update)) this.#changed = true
        return
      }
      if (message.type !== 'syncStep2' && message.type !== 'update') return
      Y.applyUpdate(doc, message.update)
      this.#received += 1
      this.#changed = true
      this.#isConfirmed = false
      if (message.type === 'syncStep2') this.#arrived()
    } catch {
      this.#differs()
    }
  }

  /** Something came on the line that is being left, after this document was asked for on another. */
  overlapped(): void {
    this.#isOverlapped = true
  }

  /** Compares this copy with the digest of what the server has sent it; the updates before it are all applied by now. */
  checkpoint({ stateVector, digest, final }: Checkpoint): void {
    if (this.#successor || !this.#shown) return
    const { doc } = this.#shown
    const mayBeAhead = this.#isOverlapped && !final
    this.#isOverlapped = false
    if (mayBeAhead && hasAll(doc, stateVector)) return
    if (!hasAll(doc, stateVector)) return this.#differs()
    const equal = hasDigest(readDocument(this.id, doc), digest)
    if (typeof equal === 'boolean') return this.#checked(equal, true)
    const received = this.#received
    void equal.then((equal) => {
      // Meanwhile another copy may be on show, or on its way.
      if (equal === null || this.#shown?.doc !== doc || this.#successor) return
      this.#checked(equal, received === this.#received)
      this.notify()
    })
  }

  #checked(equal: boolean, isNewest: boolean): void {
    if (!equal) return this.#differs()
    this.#suspect = false
    if (this.#state === diverged) this.#show(live)
    this.#isConfirmed = isNewest
    if (isNewest) this.onConfirmed()
  }

  lagging(): void {
    if (this.#state === live) this.#show(lagging)
  }

  caughtUp(): void {
    // Who left meanwhile was not told.
    this.#forgetOthers()
    if (this.#state === lagging) this.#show(live)
  }

  refused(error: ReplicaError): void {
    this.#forgetOthers()
    if (!errorRow(error.code).retryable) this.#drop()
    this.#show({ status: 'refused', error })
  }

  /** Tells the listeners if anything changed since the last call: once a frame, however many messages it held. */
  notify(): void {
    if (!this.#changed) return
    const change = { replaced: this.#replaced, tails: this.#shown?.view.takeTails() ?? [] }
    this.#changed = this.#replaced = false
    this.listeners.emit(change)
  }

  destroy(): void {
    this.#drop()
  }

  #forgetOthers(): void {
    if (this.others.clear()) this.#changed = true
  }

  #show(state: ReplicaState): void {
    this.#state = state
    this.#changed = true
  }

  /** The state that was asked for is complete. */
  #arrived(): void {
    if (this.#successor) {
      const doc = this.#successor
      this.#successor = null
      this.#showCopy(doc, this.#lineage!)
    }
    if (this.#state !== diverged && this.#state !== lagging) this.#show(live)
  }

  #showCopy(doc: Y.Doc, lineage: string): void {
    this.#drop()
    this.#shown = { doc, view: new JsonView(doc), lineage }
    this.#discarded = false
  }

  /** The first time since a checkpoint matched, everything is loaded again; the second time a person must know. */
  #differs(): void {
    if (this.#suspect) return this.#show(diverged)
    this.#suspect = true
    this.discard()
    this.#reload(this)
  }

  #drop(): void {
    this.#dropSuccessor()
    this.#shown?.view.destroy()
    this.#shown?.doc.destroy()
    this.#shown = null
    this.#isConfirmed = false
    this.#changed = this.#replaced = true
  }

  #dropSuccessor(): void {
    this.#successor?.destroy()
    this.#successor = null
  }
}

/** Has this copy every item that the server's state vector counts? Cheap, and seen before any hashing. */
function hasAll(doc: Y.Doc, stateVector: Uint8Array): boolean {
  for (const [client, clock] of decodeStateVector(stateVector)) {
    if (Y.getState(doc.store, client) < clock) return false
  }
  return true
}
