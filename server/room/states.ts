import type { CatchUpQueue } from './catchup.ts'
import { encodeStateSteps } from '../document/state.ts'
import { refreshed } from './refreshed.ts'
import type { Room } from './room.ts'
import type { Rooms } from './rooms.ts'

/** A whole document: one Yjs update v1, and the history that it is of (D6). */
export interface DocumentState {
  lineage: string
  update: Uint8Array
  /** To be called once, when nobody holds the update any more: until then it counts as pending (W14). */
  release: () => void
}

/** Documents for those who ask once and do not follow. They stand in the line of those who join, under the same cap. */
export class States {
  readonly #rooms: Rooms
  readonly #catchUp: CatchUpQueue

  constructor(rooms: Rooms, catchUp: CatchUpQueue) {
    this.#rooms = rooms
    this.#catchUp = catchUp
  }

  /** Null for a document that is not there, or once `signal` says that nobody waits any more. Throws what the room was lost by. */
  async read(doc: string, signal: AbortSignal): Promise<DocumentState | null> {
    const room = await this.#rooms.open(doc)
    if (!room) return null
    try {
      await refreshed(this.#rooms, room)
      for (;;) {
        await new Promise<void>((settled) => room.whenSettled(settled))
        const taken = await this.#take(room, signal)
        if (taken !== 'not settled') return taken
      }
    } finally {
      this.#rooms.unpin(room)
    }
  }

  /** In its turn. The append that may be in flight by then holds up nobody else in line. */
  async #take(room: Room, signal: AbortSignal): Promise<DocumentState | null | 'not settled'> {
    return await new Promise((resolve, reject) => {
      let update: Uint8Array
      this.#catchUp.enter({
        prepare(ready, failed) {
          if (room.lost) return failed(room.lost)
          if (signal.aborted || room.appending) {
            resolve(signal.aborted ? null : 'not settled')
            return ready(null)
          }
          room.hold(
            encodeStateSteps(room.doc),
            (state) => {
              if (!state) return failed(room.lost)
              update = state
              ready({ frames: [], bytes: state.length, holders: 0 })
            },
            failed,
          )
        },
        send: (_difference, release) => resolve({ lineage: room.lineage, update, release }),
        fail: reject,
      })
    })
  }
}
