import type { ChatMessage, Client, LiveMessage, MessageChange, MessageSnapshot, MessageStatus } from '../client/index.ts'
import { createBlockView, type BlockView } from './block-view.ts'
import { element, setText } from './dom.ts'

export interface MessageView {
  readonly element: HTMLElement
  /** The run as this tab knows it: to be stopped while its status is not terminal. */
  readonly run: { status: MessageStatus; taskId: string | undefined }
  /** What the chat says of this message. */
  update: (entry: ChatMessage) => void
  close: () => void
}

function frame(entry: ChatMessage): HTMLElement {
  return element('article', { class: `message ${entry.role}`, 'data-testid': 'message', 'data-message-id': entry.id,
    'data-role': entry.role, 'data-status': entry.status })
}

/** A user message: it stands whole in the chat and never changes. */
export function createUserMessage(entry: ChatMessage): MessageView {
  const root = frame(entry)
  root.append(element('div', { class: 'growing' }, entry.text ?? ''))
  return { element: root, run: { status: entry.status, taskId: undefined }, update: () => {}, close: () => {} }
}

/** An answer, followed live. `onChange` is called after each change that is on the page. */
export function createAnswer(client: Client, entry: ChatMessage, onChange: () => void): MessageView {
  const root = frame(entry)
  const blocks = element('div', { class: 'blocks' })
  const note = element('p', { class: 'note', role: 'status' })
  root.append(blocks, note)
  const views = new Map<string, { shown: object; view: BlockView }>()
  const live: LiveMessage = client.message(entry.id)
  let listed = entry.status

  const run = () => {
    const { message } = live.getSnapshot()
    return { status: message?.status ?? listed, taskId: message?.taskId }
  }

  const show = (change?: MessageChange) => {
    const snapshot = live.getSnapshot()
    const output = snapshot.message?.output ?? []
    output.forEach((block, index) => {
      const known = views.get(block.id)
      if (known?.shown === block) return
      const view = known?.view ?? createBlockView(block)
      if (known) view.update(block)
      views.set(block.id, { shown: block, view })
      if (blocks.children[index] !== view.element) blocks.insertBefore(view.element, blocks.children[index] ?? null)
    })
    if (views.size > output.length) removeGone(new Set(output.map(({ id }) => id)))
    for (const text of change?.texts ?? []) views.get(text.block)?.view.textChanged(text)
    root.dataset.status = run().status
    setText(note, noteOf(snapshot, listed))
    onChange()
  }

  const removeGone = (ids: Set<string>) => {
    for (const [id, { view }] of views) {
      if (ids.has(id)) continue
      view.element.remove()
      views.delete(id)
    }
  }

  const stop = live.subscribe(show)
  show()
  return {
    element: root,
    get run() { return run() },
    update: ({ status }) => {
      if (status === listed) return
      listed = status
      show()
    },
    close: stop,
  }
}

const statusNotes: Partial<Record<MessageStatus, string>> = {
  queued: 'Waits for its turn …',
  preparing: 'Is being prepared …',
  waiting: 'Waits for a tool …',
  stopped: 'Stopped.',
  failed: 'This answer failed.',
  interrupted: 'This answer was interrupted.',
}

function noteOf(snapshot: MessageSnapshot, listed: MessageStatus): string {
  if (snapshot.status === 'refused' || snapshot.status === 'diverged') return snapshot.error.message
  if (snapshot.status === 'lagging') return 'Catching up …'
  const { message } = snapshot
  if (message?.error) return message.error.message
  if (message?.status === 'streaming' && message.output.length === 0) return 'Is thinking …'
  return statusNotes[message?.status ?? listed] ?? ''
}
