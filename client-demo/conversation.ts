import {
  branch as branchOf,
  isTerminal,
  type BranchMessage,
  type ChatSnapshot,
  type Client,
  type Role,
} from '../client/index.ts'
import { actionButton, faultLine } from './action-button.ts'
import { createAnswer } from './answer.ts'
import { findMyself } from './by-line.ts'
import type { ChatContext } from './context.ts'
import { element, setText } from './dom.ts'
import { followEnd } from './follow-end.ts'
import type { MessageView } from './message-frame.ts'
import { createUserMessage } from './user-message.ts'
import { createWaitingView } from './waiting-view.ts'

export interface Conversation {
  readonly element: HTMLElement
  /** Says something behind the branch on show. */
  send: (content: string, idempotencyKey: string) => Promise<void>
  /** Stops the run that is live here; does nothing where none is. */
  stop: () => Promise<void>
  /** Is it known that nothing has been said here yet? */
  isEmpty: () => boolean
  close: () => void
}

export interface ConversationListener {
  /** Whether a run can be stopped now. */
  onLive: (live: boolean) => void
  onTitle: (title: string) => void
  onRole: (role: Role | null) => void
}

/** One chat, live: the branch of its messages that this tab shows. */
export function openConversation(
  client: Client,
  chatId: string,
  { onLive, onTitle, onRole }: ConversationListener,
): Conversation {
  const note = element('p', { class: 'note', role: 'status' })
  const list = element('div', { class: 'messages', tabindex: '-1' })
  const presence = element('p', { class: 'note presence', 'data-testid': 'presence' })
  const views = new Map<string, MessageView>()
  const live = client.chat(chatId)
  const { branch } = live
  const fault = faultLine()
  const older = actionButton({
    label: 'Show older messages',
    testId: 'older',
    fault,
    run: async () => {
      const { scrollHeight, scrollTop } = root
      await branch.loadOlder()
      // What was read stays where it was.
      root.scrollTop = root.scrollHeight - scrollHeight + scrollTop
    },
  })
  const context: ChatContext = {
    client,
    branch,
    myself: findMyself(client, chatId),
    switchTo: (messageId, direction) => {
      branch.choose(messageId)
      views.get(messageId)?.focusSwitcher(direction)
    },
  }

  const waiting = createWaitingView(context, chatId)
  const root = element(
    'section',
    { class: 'conversation', 'aria-label': 'Conversation' },
    presence,
    older,
    fault,
    list,
    waiting.element,
    note,
  )
  const end = followEnd(root)
  const liveView = () => [...views].findLast(([, { run }]) => !isTerminal(run.status))
  const statusChanged = () => onLive(liveView() !== undefined)
  const createView = (entry: BranchMessage) =>
    entry.message.role === 'user'
      ? createUserMessage(context, entry, end)
      : createAnswer(context, entry, { contentChanged: end.contentChanged, statusChanged })

  const show = () => {
    const snapshot = live.getSnapshot()
    setText(
      note,
      snapshot.status === 'refused' || snapshot.status === 'diverged'
        ? snapshot.error.message
        : snapshot.status === 'loading'
          ? 'Loading …'
          : '',
    )
    setText(presence, presenceLine(snapshot))
    if (snapshot.chat?.title !== undefined) onTitle(snapshot.chat.title)
    root.classList.toggle('may-edit', snapshot.role === 'owner' || snapshot.role === 'editor')
    onRole(snapshot.role)
    showBranch(branch.getSnapshot())
    older.hidden = !branch.hasOlder
    waiting.show(snapshot.waiting)
    statusChanged()
    end.contentChanged()
  }

  let shown: readonly BranchMessage[] = []
  const showBranch = (entries: readonly BranchMessage[]) => {
    if (entries === shown) return
    shown = entries
    const ids = new Set(entries.map(({ message }) => message.id))
    for (const [id, view] of views) {
      if (ids.has(id)) continue
      // The keyboard stays in the conversation when what it stood on goes.
      if (view.element.contains(document.activeElement)) list.focus({ preventScroll: true })
      view.close()
      view.element.remove()
      views.delete(id)
    }
    entries.forEach((entry, index) => {
      const { id } = entry.message
      let view = views.get(id)
      if (!view) views.set(id, (view = createView(entry)))
      view.update(entry)
      if (list.children[index] !== view.element) list.insertBefore(view.element, list.children[index] ?? null)
    })
  }

  live.setPresence({})
  const unsubscribe = branch.subscribe(show)
  show()
  return {
    element: root,
    send: async (content, idempotencyKey) => {
      const last = shown.at(-1)?.message.id
      // Behind the newest message the server sees to it that two tabs do not ask at once.
      const isNewest = branchOf(live.getSnapshot().messages).at(-1) === last
      const { messageId } = await client.api.send(
        chatId,
        { content, ...(last !== undefined && !isNewest && { parentId: last }) },
        { idempotencyKey },
      )
      branch.choose(messageId)
    },
    stop: async () => {
      const [id, view] = liveView() ?? []
      if (id && view) await client.api.stop(id, view.run.taskId)
    },
    isEmpty: () => live.getSnapshot().status === 'live' && views.size === 0,
    close: () => {
      unsubscribe()
      for (const view of views.values()) view.close()
      views.clear()
      end.close()
      root.remove()
    },
  }
}

/** Who else is here, each person once, however many tabs. */
function presenceLine({ presence, viewers }: ChatSnapshot): string {
  if (viewers !== null) return `${viewers} are here`
  const tabs = new Map<string, { name: string; count: number }>()
  for (const { user } of presence) tabs.set(user.id, { name: user.name, count: (tabs.get(user.id)?.count ?? 0) + 1 })
  if (tabs.size === 0) return ''
  return `Also here: ${[...tabs.values()].map(({ name, count }) => (count > 1 ? `${name} (${count})` : name)).join(', ')}`
}
