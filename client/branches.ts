import type { LiveBranch } from './branch.ts'
import { BranchView, type BranchSource } from './live-branch.ts'
import type { LiveSource } from './live.ts'

/** Choices in chats that nobody follows now: so many are kept, those left last. */
const keptChoices = 50

/** Of each chat the branch that this client shows: one choice for all that show the chat, as long as it is followed, and some time after. */
export class Branches {
  /** Of those that nobody follows, the one left longest ago first. */
  readonly #views = new Map<string, BranchView>()
  readonly #isFollowed: (chatId: string) => boolean
  readonly #sourceOf: (chatId: string) => BranchSource

  constructor(isFollowed: (chatId: string) => boolean, sourceOf: (chatId: string) => BranchSource) {
    this.#isFollowed = isFollowed
    this.#sourceOf = sourceOf
  }

  /** The choice that all share. What is chosen beforehand counts when the chat is followed. */
  shared(chatId: string, chat: LiveSource<unknown>): LiveBranch {
    return liveBranch(
      chat,
      () => this.#view(chatId),
      (view) => this.#keep(chatId, view),
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
    if (!view?.isChosen) return
    view.rest()
    this.#keep(chatId, view)
  }

  #view(chatId: string): BranchView {
    const view = this.#views.get(chatId) ?? new BranchView(this.#sourceOf(chatId))
    if (this.#isFollowed(chatId)) this.#views.set(chatId, view)
    return view
  }

  #keep(chatId: string, view: BranchView): void {
    this.#views.set(chatId, view)
    const [oldest, ...others] = [...this.#views.keys()].filter((id) => !this.#isFollowed(id))
    if (others.length >= keptChoices) this.#views.delete(oldest!)
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
    get older() {
      return view().older
    },
    choose: (messageId) => {
      const chosenIn = view()
      chosenIn.choose(messageId)
      chosen(chosenIn)
    },
    hide: (messageId) => {
      const hiddenIn = view()
      const show = hiddenIn.hide(messageId)
      chosen(hiddenIn)
      return show
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
