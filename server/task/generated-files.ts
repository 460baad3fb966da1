/** Files that tools and filters make. */
import { cleanName } from '../files/name.ts'
import type { Files } from '../files/files.ts'
import { sniff } from '../files/sniff.ts'
import type { NewFile } from '../extension/context.ts'
import type { Store } from '../store/store.ts'
import { shownFile } from './attachments.ts'
import { newId } from './ids.ts'
import type { Run } from './run.ts'

export interface KeepFilePlaces {
  store: Store
  files: Files
  filesUrl: string
  maxFileBytes: number
  now: () => number
}

/** Keeps the bytes; they go with the message. Throws `too_large`, `store_unavailable`. */
export async function keepFile(
  { store, files, filesUrl, maxFileBytes, now }: KeepFilePlaces,
  run: Run,
  { name: given, data, mimeType = '' }: Extract<NewFile, { data: unknown }>,
) {
  const id = newId('file')
  await store.doomFile(id)
  const stored = await files.write(id, onePiece(typeof data === 'string' ? Buffer.from(data) : data), maxFileBytes)
  const name = cleanName(given)
  const file = {
    id,
    chatId: run.chatId,
    userId: run.user.id,
    name,
    mimeType: await sniff(stored, name, mimeType),
    size: stored.size,
    createdAt: now(),
  }
  await store.putFile(file)
  await store.attachFile(id, run.chatId, run.messageId)
  return shownFile(file, filesUrl)
}

async function* onePiece(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes
}
