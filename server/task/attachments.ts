import type { FileBlock, JsonObject, Message } from '../../shared/schema.ts'
import type { Files } from '../files/files.ts'
import type { FileRow } from '../store/store.ts'

/** Of the text files of one message, so much is read out to the model. */
const maxTextBytes = 200_000
/** Larger images are only named: providers refuse them. */
const maxImageBytes = 10_000_000

const imageTypes = new Set(['image/png', 'image/jpeg', 'image/gif', 'image/webp'])

const prefix = '/api/files/'

/** Where a file's bytes are served. */
export function fileUrl(id: string): string {
  return prefix + id
}

/** A file as its message shows it. */
export function fileBlock(file: FileRow, index: number): FileBlock {
  return { id: `b${index}`, type: 'file', status: 'completed', ...shownFile(file) }
}

/** A file as the chat's list shows it. */
export function shownFile({ id, name, mimeType, size }: FileRow): { name: string; mimeType: string; url: string; size: number } {
  return { name, mimeType, url: fileUrl(id), size }
}

/** The files of a stored message, as the chat's list shows them. */
export function filesOf({ output }: Message): JsonObject[] {
  return output.filter(block => block.type === 'file').map(({ name, mimeType, url, size }) => ({ name, mimeType, url, ...(size !== undefined && { size }) }))
}

/**
 * What the provider gets of a message's files, as Chat Completions content
 * parts: each is named; text is read out up to a bound, images are enclosed.
 */
export async function attachmentParts(message: Message, files: Files): Promise<JsonObject[]> {
  const parts: JsonObject[] = []
  let textLeft = maxTextBytes
  for (const block of message.output) {
    if (block.type !== 'file' || !block.url.startsWith(prefix)) continue
    const id = block.url.slice(prefix.length)
    const named = `Attached file ${JSON.stringify(block.name)} (${block.mimeType}, ${block.size ?? 0} bytes)`
    if (isText(block.mimeType) && textLeft > 0) {
      const bytes = await files.read(id, textLeft)
      if (!bytes) continue
      textLeft -= bytes.byteLength
      const cut = bytes.byteLength < (block.size ?? 0) ? `, its first ${bytes.byteLength} bytes` : ''
      parts.push(textPart(`${named}${cut}:\n\n${readText(bytes)}`))
    } else {
      parts.push(textPart(`${named}.`))
      const bytes = imageTypes.has(block.mimeType) && (block.size ?? 0) <= maxImageBytes ? await files.read(id) : null
      if (bytes) parts.push({ type: 'image_url', image_url: { url: `data:${block.mimeType};base64,${Buffer.from(bytes).toString('base64')}` } })
    }
  }
  return parts
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

/** The field of a chat's list, where there is anything in it. */
export function listedFiles(message: Message): { files?: JsonObject[] } {
  const files = filesOf(message)
  return files.length === 0 ? {} : { files }
}
