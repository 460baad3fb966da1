/** The thread of `html-thread.ts`: one message after the other. */
import { parentPort } from 'node:worker_threads'
import type { Message } from '../../../shared/schema.ts'
import { messageHtml, plainHtml } from './html.ts'

parentPort?.on('message', (message: Message) => parentPort?.postMessage(htmlOf(message)))

function htmlOf(message: Message): string {
  try {
    return messageHtml(message)
  } catch {
    // marked overflows the stack on deep nesting.
    return plainHtml(message)
  }
}
