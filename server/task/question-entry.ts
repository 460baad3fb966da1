import { wordsOf } from '../../shared/known-types.ts'
import { listedFilesBytes, listedTextBytes, type ChatEntry, type Message } from '../../shared/schema.ts'
import { filesOf } from './attachments.ts'

/** A user message as its chat lists it: what is long is read over HTTP, so that a chat of many stays quick to join. */
export function questionEntry(message: Message): ChatEntry {
  const { parentId, createdAt, by, editedBy } = message
  const whole = wordsOf(...message.output)
  const text = beginningOf(whole, listedTextBytes)
  const files = filesOf(message)
  const listsFiles = Buffer.byteLength(JSON.stringify(files)) <= listedFilesBytes
  return {
    role: 'user',
    parentId,
    createdAt,
    status: 'completed',
    ...(by && { by }),
    ...(editedBy && { editedBy }),
    text,
    ...(files.length > 0 && listsFiles && { files }),
    ...((text.length < whole.length || !listsFiles) && { shortened: true }),
  }
}

/** As many whole characters as so many bytes of UTF-8 hold. */
export function beginningOf(text: string, bytes: number): string {
  // No code unit is less than a byte.
  const { read } = new TextEncoder().encodeInto(text.slice(0, bytes), new Uint8Array(bytes))
  return text.slice(0, read)
}
