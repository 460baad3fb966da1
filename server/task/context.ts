/** What tools and filters may do to the message of their run: the implementation of `extension/context.ts`. */
import type { FileBlock, Message, NewBlock } from '../../shared/schema.ts'
import type { NewFile, RunContext } from '../extension/context.ts'
import type { FilterContext } from '../extension/filter.ts'
import type { ToolContext } from '../extension/tool.ts'
import type { Redact } from '../secrets/secrets.ts'
import type { PendingCall } from './answer.ts'
import { shownWords } from './call.ts'
import type { ProgressBlock } from './progress.ts'
import { requestOf } from './prompt.ts'
import type { Run } from './run.ts'

export interface ContextOptions {
  /** Hides the keys that the server knows. */
  redact: Redact
  /** Keeps bytes with the files of the run's chat. */
  keepFile: (
    run: Run,
    file: Extract<NewFile, { data: unknown }>,
  ) => Promise<{ name: string; mimeType: string; url: string; size: number }>
}

/** `shown`: where its progress shows. */
function runContext(run: Run, shown: ProgressBlock, { keepFile, redact }: ContextOptions): RunContext {
  /** After the end nothing is written: a tool that ignores its signal may still be at work. */
  const write = <T>(nothing: T, edit: () => T): T => (run.ended ? nothing : edit())
  const add = (block: NewBlock) => write('', () => run.output.add(block))
  const addFile = async (file: NewFile): Promise<FileBlock> => {
    const shown = 'data' in file ? await keepFile(run, file) : file
    const { name, mimeType, url, size } = shown
    const block = {
      type: 'file' as const,
      status: 'completed' as const,
      name,
      mimeType,
      url,
      ...(size !== undefined && { size }),
    }
    return { id: add(block), ...block }
  }
  return {
    signal: run.signal,
    taskId: run.taskId,
    messageId: run.messageId,
    chatId: run.chatId,
    ...requestOf(run),
    model: run.request.model,
    user: run.user,
    progress: (text) => write(undefined, () => shown.say(text)),
    append: (text) =>
      write('', () => {
        run.output.count(text)
        return run.output.appendText(text)
      }),
    replace: (...edit) => write(undefined, () => run.output.replace(...edit)),
    annotate: (...citation) => write(undefined, () => run.output.annotate(...citation)),
    addSource: ({ title, url, snippet, sourceType }) =>
      add({
        type: 'source',
        status: 'completed',
        title,
        sourceType: sourceType ?? (url === undefined ? 'document' : 'url'),
        ...(url !== undefined && { url }),
        ...(snippet !== undefined && { snippet }),
      }),
    addEmbed: ({ url }) => add({ type: 'embed', status: 'completed', url }),
    addError: ({ message, code = 'tool_error', retryable = false }) =>
      add({ type: 'error', status: 'completed', code, message: shownWords(message, redact), retryable }),
    addUsage: (usage) => write(undefined, () => run.usage.add(usage)),
    addFile: (file) => {
      const added = addFile(file)
      // A tool may not wait for it, and go on without hearing of its failure.
      added.catch(() => {})
      return added
    },
    message: () => messageNow(run),
  }
}

/** `progress` takes what shows on the call's block. */
export function toolContext(
  run: Run,
  call: PendingCall,
  signal: AbortSignal,
  progress: (words: string) => void,
  shown: ProgressBlock,
  options: ContextOptions,
): ToolContext {
  return { ...runContext(run, shown, options), signal, callId: call.callId, progress }
}

export function filterContext(run: Run, shown: ProgressBlock, options: ContextOptions): FilterContext {
  return {
    ...runContext(run, shown, options),
    end: (message) => {
      // What it holds is what it does not want to be shown.
      run.beforeEnd = null
      run.end('failed', {
        finishReason: 'content_filter',
        error: { code: 'content_filtered', message: shownWords(message, options.redact), retryable: false },
      })
    },
  }
}

/** Canonical JSON with all that was written so far: through the log, like everything that is read. */
export async function messageNow(run: Run): Promise<Message> {
  await run.settle()
  return run.read()
}
