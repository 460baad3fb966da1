import type { Block, FileBlock, JsonObject, Message } from '../../shared/schema.ts'
import type { Files } from '../files/files.ts'
import type { FileRow } from '../store/store.ts'
import type { LeftOutFile, SentFile } from './refused-files.ts'

/** Of the text files of one message, so much is read out to the model. */
const maxTextBytes = 200_000
/** Larger images are only named: providers refuse them. */
const maxImageBytes = 10_000_000

const imageTypes = new Set(['image/png', 'image/jpeg', 'image/gif', 'image/webp'])

/** Whatever the base path was when it was kept. */
const ownFile = /\/api\/files\/(file_[\w-]+)$/

/** A file as its message shows it. `filesUrl`: what its address begins with. */
export function fileBlock(file: FileRow, index: number, filesUrl: string): FileBlock {
  return { id: `b${index}`, type: 'file', status: 'completed', ...shownFile(file, filesUrl) }
}

/** A file as the chat's list shows it. */
export function shownFile(
  { id, name, mimeType, size }: FileRow,
  filesUrl: string,
): { name: string; mimeType: string; url: string; size: number } {
  return { name, mimeType, url: filesUrl + id, size }
}

/** The files of a stored message, as the chat's list shows them. */
export function filesOf({ output }: Pick<Message, 'output'>): JsonObject[] {
  return output
    .filter((block) => block.type === 'file')
    .map(({ name, mimeType, url, size }) => ({ name, mimeType, url, ...(size !== undefined && { size }) }))
}

/** What the provider gets of a message's files. */
export interface Attachments {
  /** Chat Completions content parts. */
  parts: JsonObject[]
  sent: Omit<SentFile, 'isNew'>[]
  leftOut: LeftOutFile[]
  /** Those for which the request has no room. */
  tooMany: Pick<LeftOutFile, 'name' | 'part'>[]
}

/** What the files of one request may still have, bytes as they are kept. */
export interface FileRoom {
  left: number
}

/**
 * Each file is named; text is read out up to a bound, images are enclosed, as far as there is `room`, which they take.
 * `refused`: what the model did not take before, by file id, with the reason.
 */
export async function attachments(
  message: Message,
  files: Files,
  refused: ReadonlyMap<string, string>,
  room: FileRoom,
): Promise<Attachments> {
  const found: Attachments = { parts: [], sent: [], leftOut: [], tooMany: [] }
  const { parts, sent, leftOut, tooMany } = found
  let textLeft = maxTextBytes
  for (const block of message.output) {
    const id = fileIdOf(block)
    if (block.type !== 'file' || id === undefined) continue
    const { name, mimeType, size = 0 } = block
    const named = `Attached file ${JSON.stringify(name)} (${mimeType}, ${size} bytes)`
    const enclose = (part: JsonObject, { byteLength }: Uint8Array) => {
      room.left -= byteLength
      parts.push(part)
      sent.push({ id, questionId: message.id, name, mimeType, part })
    }
    const nameOnly = () => {
      const part = textPart(`${named}, left out because this request has no room for it: newer files come first.`)
      parts.push(part)
      tooMany.push({ name, part })
    }
    const isImage = imageTypes.has(mimeType) && size <= maxImageBytes
    const words = refused.get(id)
    if (words !== undefined) {
      const part = textPart(`${named}, left out because the model's provider refused it.`)
      parts.push(part)
      leftOut.push({ name, words, part })
    } else if ((isImage && size > room.left) || (isText(mimeType) && size > 0 && room.left <= 0)) {
      nameOnly()
    } else if (isText(mimeType) && textLeft > 0) {
      const bytes = await files.read(id, Math.min(textLeft, room.left))
      if (!bytes) continue
      textLeft -= bytes.byteLength
      const cut = bytes.byteLength < size ? `, its first ${bytes.byteLength} bytes` : ''
      enclose(textPart(`${named}${cut}:\n\n${readText(bytes)}`), bytes)
    } else {
      parts.push(textPart(`${named}.`))
      const bytes = isImage ? await files.read(id) : null
      if (bytes)
        enclose(
          {
            type: 'image_url',
            image_url: { url: `data:${mimeType};base64,${Buffer.from(bytes).toString('base64')}` },
          },
          bytes,
        )
    }
  }
  return found
}

/** Of a file of this server. */
export function fileIdOf(block: Block): string | undefined {
  return block.type === 'file' ? ownFile.exec(block.url)?.[1] : undefined
}

function isText(mimeType: string): boolean {
  return mimeType.startsWith('text/') || mimeType === 'application/json'
}

/** A character that the bound cuts is left out. */
function readText(bytes: Uint8Array): string {
  return new TextDecoder().decode(bytes, { stream: true })
}

function textPart(text: string): JsonObject {
  return { type: 'text', text }
}
