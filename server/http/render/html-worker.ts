/** The thread of `html-thread.ts`: one message after the other. */
import { parentPort } from 'node:worker_threads'
import { plainHtml, shownHtml, type ShownMessage } from './html.ts'

parentPort?.on('message', (message: ShownMessage) => parentPort?.postMessage(htmlOf(message)))

function htmlOf(message: ShownMessage): string {
  try {
    return shownHtml(message)
  } catch {
    // marked overflows the stack on deep nesting.
    return plainHtml(message)
  }
}
