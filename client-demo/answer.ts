import {
  isTerminal,
  type Block,
  type BranchMessage,
  type LiveMessage,
  type Message,
  type MessageChange,
  type MessageStatus,
} from '../client/index.ts'
import { actionButton } from './action-button.ts'
import { createByLine } from './by-line.ts'
import { createBlockView, type BlockView } from './block-view.ts'
import type { ChatContext } from './context.ts'
import { element, setText } from './dom.ts'
import { createFrame, type MessageView } from './message-frame.ts'
import { isFault, noteOf } from './note.ts'

export interface AnswerListener {
  /** After each change that is on the page. */
  contentChanged: () => void
  statusChanged: () => void
}

/** An answer, followed live. */
export function createAnswer(
  context: ChatContext,
  entry: BranchMessage,
  { contentChanged, statusChanged }: AnswerListener,
): MessageView {
  const { client, branch } = context
  const { id } = entry.message
  const { api } = client
  const { root, footer, switcher } = createFrame(context, entry, (fault) => [
    continueButton(fault),
    actionButton({
      label: 'Regenerate',
      testId: 'regenerate',
      fault,
      run: async (idempotencyKey) => {
        branch.choose((await api.regenerate(id, {}, { idempotencyKey })).messageId)
      },
    }),
  ])
  const blocks = element('div', { class: 'blocks' })
  const note = element('p', { class: 'note', role: 'status', 'data-testid': 'note' })
  const anew = createByLine(context.myself)
  anew.show('Asked anew by', entry.message.by)
  const stopped = createByLine(context.myself)
  const ending = element('p', { class: 'visually-hidden', role: 'status' })
  root.append(anew.element, blocks, note, stopped.element, ending, footer)
  const views = new Map<string, { shown: Block; view: BlockView }>()
  const live: LiveMessage = client.message(id)
  let listed = entry.message.status
  let shownStatus: MessageStatus | null = null

  const run = () => {
    const { message } = live.getSnapshot()
    return { status: message?.status ?? listed, taskId: message?.taskId }
  }

  const showBlocks = (output: Message['output'], status: MessageStatus) => {
    output.forEach((block, index) => {
      const known = views.get(block.id)
      if (known?.shown === block && status === shownStatus) return
      // A text that turned out to be thoughts is shown as such, in its place.
      const hasTurned = known !== undefined && known.shown.type !== block.type
      if (hasTurned) known.view.element.remove()
      const view = hasTurned ? undefined : known?.view
      showBlock(view ?? createBlockView(block, { api, messageId: id, myself: context.myself }), block, index, status)
    })
    if (views.size > output.length) removeGone(new Set(output.map((block) => block.id)))
  }

  const showBlock = (view: BlockView, block: Block, index: number, status: MessageStatus) => {
    view.update(block, status)
    views.set(block.id, { shown: block, view })
    if (blocks.children[index] !== view.element) blocks.insertBefore(view.element, blocks.children[index] ?? null)
  }

  const removeGone = (ids: Set<string>) => {
    for (const [blockId, { view }] of views) {
      if (ids.has(blockId)) continue
      view.element.remove()
      views.delete(blockId)
    }
  }

  const show = (change?: MessageChange) => {
    const snapshot = live.getSnapshot()
    const { status } = run()
    showBlocks(snapshot.message?.output ?? [], status)
    for (const text of change?.texts ?? []) views.get(text.block)?.view.textChanged(text)
    setText(note, noteOf(snapshot, listed))
    note.classList.toggle('fault', isFault(snapshot))
    stopped.show('Stopped by', snapshot.message?.stoppedBy)
    root.classList.toggle('may-continue', mayContinue(snapshot.message))
    if (status !== shownStatus) {
      // The text itself is not read out as it grows: that it is whole is said.
      setText(ending, shownStatus !== null && status === 'completed' ? 'The answer is complete.' : '')
      shownStatus = root.dataset.status = status
      statusChanged()
    }
    contentChanged()
  }

  function continueButton(fault: HTMLElement): HTMLElement {
    const button = actionButton({
      label: 'Continue',
      testId: 'continue',
      fault,
      run: (idempotencyKey) => api.continue(id, { idempotencyKey }),
    })
    button.classList.add('continue')
    return button
  }

  const stop = live.subscribe(show)
  show()
  return {
    element: root,
    get run() {
      return run()
    },
    update: (next) => {
      switcher.update(next)
      if (next.message.status === listed) return
      listed = next.message.status
      show()
    },
    focusSwitcher: switcher.focus,
    close: stop,
  }
}

/** Has it ended before it was finished? */
function mayContinue(message: Message | null): boolean {
  return (
    message !== null &&
    isTerminal(message.status) &&
    (message.status !== 'completed' || message.finishReason === 'length')
  )
}
