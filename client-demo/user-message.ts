import type { BranchMessage } from '../client/index.ts'
import type { ChatContext } from './context.ts'
import { element } from './dom.ts'
import { createEditForm } from './edit-form.ts'
import { createFileView, fileIdOf, type ShownFile } from './file-view.ts'
import { createFrame, type MessageView } from './message-frame.ts'

/** A user message: it stands whole in the chat and never changes. An edit makes another beside it. */
export function createUserMessage(context: ChatContext, entry: BranchMessage): MessageView {
  const { message } = entry
  const { api } = context.client
  const files = (message.files ?? []) as unknown as ShownFile[]
  const content = element(
    'div',
    { class: 'bubble' },
    element('div', { class: 'growing' }, message.text ?? ''),
    ...files.map((file) => createFileView(file, api)),
  )
  const edit = element('button', { type: 'button', 'data-testid': 'edit' }, 'Edit')
  const { root, footer, switcher } = createFrame(context, entry, () => [edit])
  const form = createEditForm({
    send: async (text, idempotencyKey) => {
      const { messageId } = await api.edit(message.id, { content: text, files: fileIds(files) }, { idempotencyKey })
      context.branch.choose(messageId)
    },
    closed: () => {
      content.hidden = footer.hidden = false
      edit.focus()
    },
  })
  edit.addEventListener('click', () => {
    content.hidden = footer.hidden = true
    form.open(message.text ?? '')
  })
  root.append(content, form.element, footer)
  return {
    element: root,
    run: { status: message.status, taskId: undefined },
    update: switcher.update,
    focusSwitcher: switcher.focus,
    close: () => {},
  }
}

function fileIds(files: readonly ShownFile[]): string[] {
  return files.map(({ url }) => fileIdOf(url)).filter((id) => id !== null)
}
