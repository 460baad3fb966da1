import type { MessageStatus, ToolCallBlock, ToolCallStatus } from '../client/index.ts'
import { growing, type Parts } from './block-parts.ts'
import { createByLine } from './by-line.ts'
import { createApprovalForm, createOutputForm } from './call-form.ts'
import { element, setText } from './dom.ts'
import { createFold } from './fold.ts'

/** A result longer than this is folded once it is whole. */
const longOutput = 500

/** One tool call: what is asked of whom, how it stands, what came of it. */
export function renderToolCall(
  parts: Parts,
  block: ToolCallBlock,
): (call: ToolCallBlock, message: MessageStatus) => void {
  const { root, context } = parts
  const status = element('span', { class: 'tool-status', role: 'status', 'data-testid': 'call-status' })
  const input = createFold('Arguments', growing(parts, 'arguments', block.arguments))
  const original = createFold('Arguments of the model')
  const progress = element('p', { class: 'progress', 'data-testid': 'call-progress' })
  const output = createFold('Result')
  const error = element('p', { class: 'fault', 'data-testid': 'call-error' })
  const by = createByLine(context.myself)
  const approval = createApprovalForm(context, block)
  const answer = createOutputForm(context, block)
  root.append(
    element('p', { class: 'tool-header' }, element('span', { class: 'tool-name' }, block.name), ' ', status),
    input.element,
    approval.element,
    answer.element,
    by.element,
    progress,
    output.element,
    error,
  )
  // For the keyboard of whoever has just answered the call.
  root.tabIndex = -1
  root.dataset.callId = block.callId
  output.element.hidden = true

  return (call, message) => {
    const isWanted = call.status === 'pending' && call.executor === 'client' && message === 'waiting'
    const isRunning = call.status === 'streaming' || call.status === 'running'
    setText(status, isWanted ? 'waits for its result' : (toolStatuses[call.status] ?? call.status))
    setText(progress, isRunning ? (call.progress ?? '') : '')
    setText(error, call.error ?? '')
    if (call.answeredBy) by.show('Answered by', call.answeredBy)
    else by.show(wordsOf(call), call.decidedBy)
    if (call.originalArguments !== undefined && !original.element.isConnected) {
      original.element.append(element('div', { class: 'growing' }, call.originalArguments))
      input.element.after(original.element)
    }
    input.setOpen(call.status === 'streaming' || call.status === 'awaiting_approval' || isWanted)
    approval.show(call.status === 'awaiting_approval')
    answer.show(isWanted)
    if (call.output === undefined) return
    if (!parts.texts.has('output')) output.element.append(growing(parts, 'output', call.output))
    output.element.hidden = false
    const isLong = call.output.length > longOutput
    setText(output.summary, isLong ? `Result, ${call.output.length.toLocaleString('en')} characters` : 'Result')
    output.setOpen(isRunning || !isLong)
  }
}

const toolStatuses: Partial<Record<ToolCallStatus, string>> = {
  streaming: 'is being called …',
  pending: 'was called',
  awaiting_approval: 'waits for approval',
  running: 'runs …',
  completed: 'is done',
  failed: 'failed',
  denied: 'was not allowed',
  cancelled: 'was cancelled',
}

function wordsOf({ status, originalArguments }: ToolCallBlock): string {
  if (status === 'denied') return 'Denied by'
  return originalArguments === undefined ? 'Allowed by' : 'Arguments changed and allowed by'
}
