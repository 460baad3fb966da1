import type { LiveBranch } from './branch.ts'
import { BranchView, type BranchSource } from './live-branch.ts'
import type { LiveSource } from './live.ts'

/** Choices in chats that nobody follows now: so many are kept, those left last. */
const keptChoices = 50

/** Of each chat the branch that this client shows: one choice for all that show the chat, as long as it is followed, and some time after. */
export class Branches {
  readonly #views = new Map<string, BranchView>()
  /** Left longest ago first. */
  readonly #resting = new Map<string, BranchView>()
  readonly #isFollowed: (chatId: string) => boolean
  readonly #sourceOf: (chatId: string) => BranchSource

  constructor(isFollowed: (chatId: string) => boolean, sourceOf: (chatId: string) => BranchSource) {
    this.#isFollowed = isFollowed
    this.#sourceOf = sourceOf
  }

  get size(): number {
    return this.#views.size + this.#resting.size
  }

  /** The choice that all share. */
  shared(chatId: string, chat: LiveSource<unknown>): LiveBranch {
    return liveBranch(
      chat,
      () => this.#view(chatId),
      (view) => {
        // What is chosen beforehand counts when the chat is followed.
        if (!this.#isFollowed(chatId)) this.#rest(chatId, view)
      },
    )
  }

  /** A choice of the caller's own. */
  own(chatId: string, chat: LiveSource<unknown>): LiveBranch {
    const view = new BranchView(this.#sourceOf(chatId))
    return liveBranch(chat, () => view)
  }

  /** Nobody follows this chat any more. */
  left(chatId: string): void {
    const view = this.#views.get(chatId)
    this.#views.delete(chatId)
    if (view?.isChosen) this.#rest(chatId, view)
  }

  #view(chatId: string): BranchView {
    const view = this.#views.get(chatId) ?? this.#resting.get(chatId) ?? new BranchView(this.#sourceOf(chatId))
    if (this.#isFollowed(chatId)) {
      this.#resting.delete(chatId)
      this.#views.set(chatId, view)
    }
    return view
  }

  #rest(chatId: string, view: BranchView): void {
    view.rest()
    this.#resting.delete(chatId)
    this.#resting.set(chatId, view)
    for (const oldest of this.#resting.keys()) {
      if (this.#resting.size <= keptChoices) return
      this.#resting.delete(oldest)
    }
  }
}

function liveBranch(
  chat: LiveSource<unknown>,
  view: () => BranchView,
  chosen: (view: BranchView) => void = () => {},
): LiveBranch {
  return {
    getSnapshot: () => view().getSnapshot(),
    get hasOlder() {
      return view().hasOlder
    },
    choose: (messageId) => {
      const chosenIn = view()
      chosenIn.choose(messageId)
      chosen(chosenIn)
    },
    loadOlder: () => view().loadOlder(),
    subscribe: (listener) => {
      const stops = [chat.subscribe(listener), view().listeners.add(listener)]
      return () => {
        for (const stop of stops) stop()
      }
    },
  }
}
