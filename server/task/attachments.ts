import type { FileBlock, JsonObject, Message } from '../../shared/schema.ts'
import type { Files } from '../files/files.ts'
import type { FileRow } from '../store/store.ts'

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
export function filesOf({ output }: Message): JsonObject[] {
  return output
    .filter((block) => block.type === 'file')
    .map(({ name, mimeType, url, size }) => ({ name, mimeType, url, ...(size !== undefined && { size }) }))
}

/**
 * What the provider gets of a message's files, as Chat Completions content
 * parts: each is named; text is read out up to a bound, images are enclosed.
 */
export async function attachmentParts(message: Message, files: Files): Promise<JsonObject[]> {
  const parts: JsonObject[] = []
  let textLeft = maxTextBytes
  for (const block of message.output) {
    const id = block.type === 'file' && ownFile.exec(block.url)?.[1]
    if (!id) continue
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
      if (bytes)
        parts.push({
          type: 'image_url',
          image_url: { url: `data:${block.mimeType};base64,${Buffer.from(bytes).toString('base64')}` },
        })
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
