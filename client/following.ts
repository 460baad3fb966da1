import { documentKind } from '../shared/schema.ts'
import type { HttpApi } from './api.ts'
import { Branches } from './branches.ts'
import { liveChat, readSnapshot, type LiveChat } from './chat.ts'
import { EndedMessages } from './ended.ts'
import { Listing } from './listing.ts'
import { once, type Later } from './load.ts'
import { endedSnapshot, type LiveMessage } from './message.ts'
import { Messages } from './messages.ts'
import { KnownQuestions, type Questions } from './questions.ts'
import type { Replica } from './replica.ts'
import { Subscriptions, type SubscriptionsOptions } from './subscriptions.ts'

/** All that one client follows, and what it keeps of it. */
export class Following {
  readonly subscriptions: Subscriptions
  readonly questions: Questions
  readonly #listing = new Listing()
  readonly #ended = new EndedMessages()
  readonly #messages: Messages
  readonly #branches: Branches

  constructor(
    options: Omit<SubscriptionsOptions, 'changed'>,
    later: () => Promise<Pick<Later, 'History'> & { api: HttpApi }>,
  ) {
    const subscriptions = new Subscriptions({ ...options, changed: (replica) => this.#changed(replica) })
    const reader = once(async () => {
      const { api, History } = await later()
      return new History({
        api,
        find: (id) => this.#listing.find(id),
        keep: (message, version) => this.#ended.put(message.id, version, endedSnapshot(message)),
      })
    })
    const history = { read: async (id: string) => (await reader()).read(id) }
    this.subscriptions = subscriptions
    this.#messages = new Messages({ subscriptions, listing: this.#listing, history, ended: this.#ended })
    this.#branches = new Branches(
      (chatId) => subscriptions.peek(chatId) !== undefined,
      (chatId) => ({
        getSnapshot: () => readSnapshot(subscriptions.peek(chatId)),
        prefetch: (ids) => this.#messages.prefetch(ids),
      }),
    )
    this.questions = new KnownQuestions((id) => this.#messages.read(id))
  }

  message(id: string): LiveMessage {
    return this.#messages.live(id)
  }

  chat(id: string): LiveChat {
    return liveChat(id, this.subscriptions, this.#branches)
  }

  close(): void {
    this.subscriptions.close()
    this.#ended.clear()
  }

  #changed(replica: Replica): void {
    const { id } = replica
    if (documentKind(id) === 'chat') {
      if (this.subscriptions.peek(id) === replica) this.#listing.follow(replica)
      else {
        this.#listing.leave(id)
        this.#branches.left(id)
      }
    }
    this.#messages.changed(replica)
  }
}
