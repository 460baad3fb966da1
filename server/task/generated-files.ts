/** Files that tools and filters make. */
import { cleanName } from '../files/name.ts'
import type { Files } from '../files/files.ts'
import { sniff } from '../files/sniff.ts'
import type { NewFile } from '../extension/context.ts'
import type { FileQuotas, Store } from '../store/store.ts'
import { shownFile } from './attachments.ts'
import { newId } from './ids.ts'
import type { Run } from './run.ts'

export interface KeepFileOptions {
  store: Store
  files: Files
  filesUrl: string
  maxFileBytes: number
  fileQuotas: FileQuotas
  now: () => number
}

/** Keeps the bytes; they go with the message. Throws `too_large`, `rate_limited`, `store_unavailable`; `not_found` where the message was deleted meanwhile. */
export async function keepFile(
  { store, files, filesUrl, maxFileBytes, fileQuotas, now }: KeepFileOptions,
  run: Run,
  { name: given, data, mimeType: declaredType = '' }: Extract<NewFile, { data: unknown }>,
) {
  const id = newId('file')
  const bytes = typeof data === 'string' ? Buffer.from(data) : data
  const ofRun = { chatId: run.chatId, userId: run.user.id }
  await store.doomFile(id, { ...ofRun, size: Math.min(bytes.byteLength, maxFileBytes), quotas: fileQuotas })
  try {
    const stored = await files.write(id, onePiece(bytes), maxFileBytes)
    const name = cleanName(given)
    const mimeType = await sniff(stored, name, declaredType)
    const file = { id, ...ofRun, name, mimeType, size: stored.size, createdAt: now() }
    await store.putFile(file, fileQuotas)
    await store.attachFile(id, run.chatId, run.messageId)
    return shownFile(file, filesUrl)
  } catch (error) {
    // What nobody is shown does not count, and goes. What cannot go now goes at the next start.
    await forget(id, store, files).catch(() => undefined)
    throw error
  }
}

async function forget(id: string, store: Store, files: Files): Promise<void> {
  await store.doomFile(id)
  await files.remove([id])
  await store.filesGone([id])
}

async function* onePiece(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes
}
