import { RunnelError } from '../../shared/errors.ts'
import { chatMap, chatMessages, everListed, type WaitingEntry } from '../../shared/schema.ts'
import { ChatWriter } from '../document/chat-writer.ts'
import type { Room } from '../room/room.ts'
import type { Rooms } from '../room/rooms.ts'
import type { Store } from '../store/store.ts'
import { noPatience, type Patience } from '../waiting/patience.ts'

/** The chats' documents: opened for writing when something is to be written, one writer each. */
export class ChatDocuments {
  readonly #rooms: Rooms
  readonly #store: Store
  readonly #patience: Patience
  readonly #maxMessages: number
  readonly #drawing = new Map<Room, Promise<void>>()

  /** @param maxMessages of one chat, those that were deleted included: their ids stay in its document */
  constructor(rooms: Rooms, store: Store, maxMessages = Infinity, patience = noPatience) {
    this.#rooms = rooms
    this.#store = store
    this.#maxMessages = maxMessages
    this.#patience = patience
  }

  /** Why so many messages more are more than a chat may have; null where they fit. Throws `not_found`, `store_unavailable`. */
  async fullness(chatId: string, more: number): Promise<RunnelError | null> {
    const room = await this.#open(chatId)
    const listed = everListed(room.doc)
    this.#rooms.unpin(room)
    if (listed + more <= this.#maxMessages) return null
    return new RunnelError(
      'too_large',
      `This chat is full: it has had ${listed} messages, of ${this.#maxMessages} at most. Start a new chat.`,
    )
  }

  /**
   * Makes the edits and returns when they are in the log and shown; waits for a
   * store that is away, and may make them again then. Throws
   * `not_found` for a chat that does not exist, `store_unavailable`.
   */
  async edit(chatId: string, edit: (writer: ChatWriter) => void): Promise<void> {
    await this.#patience.keep(() => this.editAtOnce(chatId, edit))
  }

  /** As `edit`, and throws at once where the store is away. */
  async editAtOnce(chatId: string, edit: (writer: ChatWriter) => void): Promise<void> {
    await this.#edit(chatId, edit, () => Promise.resolve())
  }

  /** Takes messages off the list, and their words out of the chat's log. Throws as `edit`. */
  async remove(chatId: string, messages: readonly string[]): Promise<void> {
    await this.#patience.keep(() =>
      this.#edit(
        chatId,
        (writer) => writer.removeMessages(messages),
        (room) => this.#rooms.compact(room),
      ),
    )
  }

  /** What waits in it, undefined for nothing. Words that nobody says any more leave the chat's log. Throws as `edit`. */
  async setWaiting(chatId: string, waiting: WaitingEntry[] | undefined): Promise<void> {
    await this.#patience.keep(async () => {
      let erases = false
      await this.#edit(
        chatId,
        (writer) => {
          const before = (chatMap(writer.doc).get('waiting') ?? []) as WaitingEntry[]
          const says = ({ id, text }: WaitingEntry) =>
            chatMessages(writer.doc).has(id) || waiting?.some((entry) => entry.id === id && entry.text === text)
          erases = !before.every(says)
          writer.setChat({ waiting })
        },
        async (room) => {
          if (erases) await this.#rooms.compact(room)
        },
      )
    })
  }

  async #edit(chatId: string, edit: (writer: ChatWriter) => void, then: (room: Room) => Promise<void>): Promise<void> {
    const room = await this.#open(chatId)
    try {
      if (!room.writer) await this.#takeUp(room)
      if (!(room.writer instanceof ChatWriter))
        throw new RunnelError('store_unavailable', 'The chat cannot be written now.')
      edit(room.writer)
      await new Promise<void>((written) => this.#rooms.flusher.flushNow(room, written))
      if (!room.writer) throw new RunnelError('store_unavailable', 'The chat could not be written.')
      await then(room)
    } finally {
      this.#rooms.unpin(room)
    }
  }

  /** Its room, pinned. */
  async #open(chatId: string): Promise<Room> {
    const room = await this.#rooms.open(chatId)
    if (!room) throw new RunnelError('not_found', 'There is no such chat.')
    return room
  }

  /** Two edits at once share one epoch. */
  async #takeUp(room: Room): Promise<void> {
    let drawing = this.#drawing.get(room)
    if (!drawing) {
      drawing = this.#attach(room).finally(() => this.#drawing.delete(room))
      this.#drawing.set(room, drawing)
    }
    await drawing
  }

  async #attach(room: Room): Promise<void> {
    const epoch = await this.#store.drawEpoch(room.id)
    await this.#rooms.following.takeUp(room, epoch)
    this.#rooms.attach(room, new ChatWriter(room.doc, epoch))
  }
}
