import { nothingShown, showBranch, type BranchMessage, type LiveBranch } from './branch.ts'
import { Listeners } from './listeners.ts'
import { treeOf, withoutTrees, type ChatMessage } from './tree.ts'

/** A chat opens with so many messages of its branch, and so many older ones come at a time. */
export const pageSize = 40

export interface BranchSource {
  readonly getSnapshot: () => { readonly messages: readonly ChatMessage[] }
  /** Reads these messages, so that they are there when they are shown. */
  readonly prefetch: (ids: readonly string[]) => Promise<void>
}

/** One choice of a branch, and how much of it is shown. */
export class BranchView implements Omit<LiveBranch, 'subscribe'> {
  readonly listeners = new Listeners()
  readonly #source: BranchSource
  #messages: readonly ChatMessage[] = []
  #shown = nothingShown
  /** What is not to be shown, by who asked for it. */
  readonly #without = new Map<object, string>()
  /** Chosen before it came. */
  #awaited: string | null = null
  /** How many of the branch, from its root on, are not shown; null: it has not come yet. */
  #hidden: number | null = null
  #list = nothingShown.list
  #loading: Promise<void> | null = null

  constructor(source: BranchSource) {
    this.#source = source
  }

  /** Something else than the newest of all was chosen. */
  get isChosen(): boolean {
    return this.#shown.choice.length > 0 || this.#awaited !== null || this.#without.size > 0
  }

  readonly getSnapshot = (): readonly BranchMessage[] => {
    const { messages } = this.#source.getSnapshot()
    if (messages !== this.#messages) {
      this.#messages = messages
      this.#show()
    }
    return this.#list
  }

  get hasOlder(): boolean {
    return this.older > 0
  }

  get older(): number {
    this.getSnapshot()
    return this.#hidden ?? 0
  }

  readonly choose = (messageId: string): void => {
    const before = this.getSnapshot()
    this.#awaited = messageId
    this.#show()
    const index = this.#shown.list.findIndex(({ message }) => message.id === messageId)
    if (index !== -1) this.#showFrom(Math.min(index, this.#hidden!))
    if (this.#list !== before) this.listeners.emit()
  }

  readonly hide = (messageId: string): (() => void) => {
    const key = {}
    this.#without.set(key, messageId)
    this.#changed()
    return () => {
      if (this.#without.delete(key)) this.#changed()
    }
  }

  readonly loadOlder = (): Promise<void> => {
    this.#loading ??= this.#loadOlder().finally(() => {
      this.#loading = null
    })
    return this.#loading
  }

  /** Nobody follows the chat any more: only the choice is kept. */
  rest(): void {
    this.#messages = []
    this.#shown = { list: [], choice: this.#shown.choice.slice(-pageSize) }
    this.#hidden = null
    this.#list = nothingShown.list
  }

  async #loadOlder(): Promise<void> {
    const [first] = this.getSnapshot()
    const hidden = this.#hidden ?? 0
    if (!first || hidden === 0) return
    const older = this.#shown.list.slice(Math.max(0, hidden - pageSize), hidden)
    await this.#source.prefetch(older.map(({ message }) => message.id))
    this.getSnapshot()
    // Another branch may be on show by now.
    const index = this.#shown.list.findIndex(({ message }) => message.id === first.message.id)
    if (index <= 0 || this.#hidden! < index) return
    this.#showFrom(Math.max(0, index - pageSize))
    this.listeners.emit()
  }

  #changed(): void {
    const before = this.getSnapshot()
    this.#show()
    if (this.#list !== before) this.listeners.emit()
  }

  #show(): void {
    const messages = withoutTrees(this.#messages, new Set(this.#without.values()))
    let { choice } = this.#shown
    if (this.#awaited !== null && treeOf(messages).byId.has(this.#awaited)) {
      choice = [...this.#shown.list.map(({ message }) => message.id), this.#awaited]
      this.#awaited = null
    }
    this.#shown = showBranch(messages, choice, this.#shown)
    const newest = Math.max(0, this.#shown.list.length - pageSize)
    this.#showFrom(Math.min(this.#hidden ?? newest, newest))
    if (this.#shown.list.length === 0) this.#hidden = null
  }

  #showFrom(hidden: number): void {
    this.#hidden = hidden
    const list = this.#shown.list.slice(hidden)
    const isSame = list.length === this.#list.length && list.every((entry, index) => entry === this.#list[index])
    if (!isSame) this.#list = list
  }
}
