import { encodeChannelMessage } from '../shared/protocol.ts'
import { newPresenceId, presenceMessage } from './presence.ts'

/** What this client says of itself, in which of the chats that it follows. */
export class OwnPresence {
  readonly clientId = newPresenceId()
  readonly #states = new Map<string, object>()
  readonly #send: (frame: Uint8Array<ArrayBuffer>) => void
  #clock = 0

  constructor(send: (frame: Uint8Array<ArrayBuffer>) => void) {
    this.#send = send
  }

  has(chatId: string): boolean {
    return this.#states.has(chatId)
  }

  set(chatId: string, state: object | null): void {
    if (state) this.#states.set(chatId, state)
    else this.#states.delete(chatId)
  }

  delete(chatId: string): void {
    this.#states.delete(chatId)
  }

  clear(): void {
    this.#states.clear()
  }

  say(chatId: string, channel: number): void {
    const message = presenceMessage(this.clientId, ++this.#clock, this.#states.get(chatId) ?? null)
    this.#send(encodeChannelMessage(channel, message) as Uint8Array<ArrayBuffer>)
  }
}
