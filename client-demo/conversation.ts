import { branch, isTerminal, type ChatSnapshot, type Client } from '../client/index.ts'
import { createAnswer, createUserMessage, type MessageView } from './message-view.ts'
import { element, setText } from './dom.ts'
import { followEnd } from './follow-end.ts'

export interface Conversation {
  readonly element: HTMLElement
  /** Stops the run that is live here; does nothing where none is. */
  stop: () => Promise<void>
  /** Is it known that nothing has been said here yet? */
  isEmpty: () => boolean
  close: () => void
}

/** One chat, live: the newest branch of its messages. `onLive` tells whether a run can be stopped now. */
export function openConversation(client: Client, chatId: string,
  { onLive, onTitle }: { onLive: (live: boolean) => void; onTitle: (title: string) => void }): Conversation {
  const note = element('p', { class: 'note', role: 'status' })
  const list = element('div', { class: 'messages' })
  const presence = element('p', { class: 'note presence', 'data-testid': 'presence' })
  const root = element('section', { class: 'conversation', 'aria-label': 'Conversation' }, presence, list, note)
  const end = followEnd(root)
  const views = new Map<string, MessageView>()
  const live = client.chat(chatId)

  const liveView = () => [...views].findLast(([, { run }]) => !isTerminal(run.status))
  const changed = () => {
    onLive(liveView() !== undefined)
    end.contentChanged()
  }

  const show = () => {
    const snapshot = live.getSnapshot()
    setText(note, snapshot.status === 'refused' || snapshot.status === 'diverged' ? snapshot.error.message
      : snapshot.status === 'loading' ? 'Loading …' : '')
    setText(presence, presenceLine(snapshot))
    if (snapshot.chat?.title !== undefined) onTitle(snapshot.chat.title)
    const entries = new Map(snapshot.messages.map(entry => [entry.id, entry]))
    const ids = branch(snapshot.messages)
    for (const [id, view] of views) {
      if (ids.includes(id)) continue
      view.close()
      view.element.remove()
      views.delete(id)
    }
    ids.forEach((id, index) => {
      const entry = entries.get(id)!
      let view = views.get(id)
      if (!view) views.set(id, view = entry.role === 'user' ? createUserMessage(entry) : createAnswer(client, entry, changed))
      view.update(entry)
      if (list.children[index] !== view.element) list.insertBefore(view.element, list.children[index] ?? null)
    })
    changed()
  }

  live.setPresence({})
  const unsubscribe = live.subscribe(show)
  show()
  return {
    element: root,
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
