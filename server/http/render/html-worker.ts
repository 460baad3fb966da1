/** The thread of `rendering.ts`: one message, then it ends. */
import { parentPort, workerData } from 'node:worker_threads'
import type { Message } from '../../../shared/schema.ts'
import { messageHtml } from './html.ts'

parentPort?.postMessage(messageHtml(workerData as Message))
