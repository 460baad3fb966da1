import type { BranchMessage, Question } from '../client/index.ts'
import { faultLine } from './action-button.ts'
import { createByLine } from './by-line.ts'
import type { ChatContext } from './context.ts'
import { element, sentence, setText } from './dom.ts'
import { createEditForm } from './edit-form.ts'
import { createFileView, fileIdOf, type ShownFile } from './file-view.ts'
import { createFrame, type MessageView } from './message-frame.ts'

/** A user message never changes; an edit makes another beside it. A long one shows its beginning until all of it is read. */
export function createUserMessage(
  context: ChatContext,
  entry: BranchMessage,
  { contentChanged }: { contentChanged: () => void },
): MessageView {
  const { message } = entry
  const { api, questions } = context.client
  const content = element('div', { class: 'bubble' })
  const show = ({ text, files }: Question, isWhole: boolean) =>
    content.replaceChildren(
      element('div', { class: 'growing' }, isWhole ? text : `${text} …`),
      ...files.map((file) => createFileView(file as unknown as ShownFile, api)),
    )
  const known = questions.known(message)
  show(known ?? { text: message.text ?? '', files: message.files ?? [] }, known !== undefined)
  // Read when it comes into view: a chat may have thousands. What fails is tried again the next time.
  const seen = new IntersectionObserver((entries) => {
    if (!entries.some(({ isIntersecting }) => isIntersecting)) return
    questions.read(message).then(
      (whole) => {
        seen.disconnect()
        show(whole, true)
        contentChanged()
      },
      () => {},
    )
  })
  if (!known) seen.observe(content)
  const edit = element('button', { type: 'button', 'data-testid': 'edit' }, 'Edit')
  const { root, footer, switcher } = createFrame(context, entry, () => [edit])
  const fault = faultLine()
  const form = createEditForm({
    send: async (text, idempotencyKey) => {
      const { files } = await questions.read(message)
      const { messageId } = await api.edit(message.id, { content: text, files: fileIds(files) }, { idempotencyKey })
      context.branch.choose(messageId)
    },
    closed: () => {
      content.hidden = footer.hidden = false
      edit.focus()
    },
  })
  edit.addEventListener('click', () => {
    // Never the beginning alone: it would be sent in place of the whole.
    questions.read(message).then(
      ({ text }) => {
        setText(fault, '')
        content.hidden = footer.hidden = true
        form.open(text)
      },
      (error: unknown) => setText(fault, sentence(error)),
    )
  })
  const asked = createByLine(context.myself)
  asked.show('Asked by', message.by)
  root.append(asked.element, content, form.element, footer, fault)
  return {
    element: root,
    run: { status: message.status, taskId: undefined },
    update: switcher.update,
    focusSwitcher: switcher.focus,
    close: () => seen.disconnect(),
  }
}

function fileIds(files: Question['files']): string[] {
  return files.map(({ url }) => fileIdOf(url as string)).filter((id) => id !== null)
}
