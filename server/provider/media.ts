/** Pictures, sounds and files in an answer, in the shapes in which servers send them. */
import { hash } from 'node:crypto'
import type { ProviderEvent } from './events.ts'
import { isFields, type Fields } from './frames.ts'

/** Bytes of its own, or the address of what somebody else keeps. */
export type Media =
  | { name: string; mimeType: string; data: Uint8Array }
  | { name: string; mimeType: string; url: string }

/** What is the same file has the same. Servers that repeat what came so far send a picture again. */
export function markOf(media: Media): string {
  return 'url' in media ? media.url : hash('sha1', media.data)
}

export function mediaEvents(key: string, media: Media): ProviderEvent[] {
  if (!('url' in media)) return [{ type: 'file', key, ...media }]
  return [
    { type: 'block_start', key, block: { type: 'file', status: 'in_progress', ...media } },
    { type: 'block_end', key, status: 'completed' },
  ]
}

/** Shapes inside of shapes. */
const maxDepth = 5

const extensions = new Map(
  Object.entries({
    png: 'image/png',
    jpg: 'image/jpeg',
    jpeg: 'image/jpeg',
    gif: 'image/gif',
    webp: 'image/webp',
    svg: 'image/svg+xml',
    avif: 'image/avif',
    mp3: 'audio/mpeg',
    wav: 'audio/wav',
    ogg: 'audio/ogg',
    opus: 'audio/ogg',
    flac: 'audio/flac',
    aac: 'audio/aac',
    mp4: 'video/mp4',
    pdf: 'application/pdf',
  }),
)

/** What a part shows; null where it shows nothing that is understood. `kind`: what it is where it does not say so. */
export function mediaOf(value: unknown, kind: 'image' | 'audio' | 'file', depth = 0): Media | null {
  if (depth > maxDepth) return null
  if (typeof value === 'string') return fromText(value, kind, undefined)
  if (!isFields(value)) return null
  const given = typeOf(value)
  for (const name of ['b64_json', 'image_base64', 'base64', 'data', 'file_data', 'result', 'bytes'] as const) {
    const data = value[name]
    if (typeof data === 'string' && data !== '')
      return named(fromText(data, kind, given ?? bareType(data) ?? fallback[kind]), value)
  }
  for (const name of ['image_url', 'url', 'uri', 'file_url', 'audio_url', 'file_uri'] as const) {
    const url = value[name]
    const found = typeof url === 'string' ? fromText(url, kind, given, true) : mediaOf(url, kind, depth + 1)
    if (found) return named(found, value)
  }
  for (const name of [
    'source',
    'inline_data',
    'inlineData',
    'image',
    'input_audio',
    'audio',
    'file',
    'blob',
  ] as const) {
    const found = value[name] ? mediaOf(value[name], kind, depth + 1) : null
    if (found) return named(found, value)
  }
  return null
}

const fallback = { image: 'image/png', audio: 'audio/wav', file: 'application/octet-stream' }

function typeOf(value: Fields): string | undefined {
  for (const name of ['mime_type', 'mimeType', 'media_type', 'mediaType', 'content_type'] as const) {
    const type = value[name]
    if (typeof type === 'string' && mimePattern.test(type)) return type
  }
  const format = value.format ?? value.output_format
  return typeof format === 'string' ? extensions.get(format.toLowerCase()) : undefined
}

const mimePattern = /^[\w.+-]{1,60}\/[\w.+-]{1,60}$/
const dataUrl = /^data:([^,;]*)((?:;[^,;]*)*),/i

function fromText(
  text: string,
  kind: keyof typeof fallback,
  type: string | undefined,
  isAddress = false,
): Media | null {
  const head = dataUrl.exec(text.slice(0, 500))
  if (head) {
    const mimeType = mimePattern.test(head[1]!) ? head[1]! : (type ?? fallback[kind])
    const data = text.slice(head[0].length)
    return bytesOf(/;base64$/i.test(head[2]!) ? fromBase64(data) : fromPercent(data), mimeType, kind)
  }
  if (/^https?:\/\//i.test(text)) return linkOf(text, kind, type)
  const known = isAddress || type === undefined ? bareType(text) : type
  return known === undefined ? null : bytesOf(fromBase64(text), known, kind)
}

/** What base64 says of itself by its first bytes. */
function bareType(text: string): string | undefined {
  return beginnings.find(([begins]) => begins.test(text.slice(0, 20)))?.[1]
}

const beginnings: [RegExp, string][] = [
  [/^iVBORw0KGgo/, 'image/png'],
  [/^\/9j\//, 'image/jpeg'],
  [/^R0lGOD[dl]h/, 'image/gif'],
  [/^UklGR.{8}XRUJQ/, 'image/webp'],
  [/^JVBERi0/, 'application/pdf'],
]

function bytesOf(data: Uint8Array | null, mimeType: string, kind: string): Media | null {
  if (!data || data.byteLength === 0) return null
  const extension = [...extensions].find(([, type]) => type === mimeType)?.[0]
  return { name: extension === undefined ? kind : `${kind}.${extension}`, mimeType, data }
}

function linkOf(text: string, kind: 'image' | 'audio' | 'file', type: string | undefined): Media | null {
  if (!URL.canParse(text)) return null
  const { pathname, href } = new URL(text)
  const last = pathname.split('/').at(-1) ?? ''
  const extension = /\.(\w{1,5})$/.exec(last)?.[1]?.toLowerCase() ?? ''
  return {
    name: last === '' ? kind : last.slice(0, 200),
    mimeType: type ?? extensions.get(extension) ?? (kind === 'file' ? fallback.file : `${kind}/*`),
    url: href,
  }
}

function named(media: Media | null, { filename, name }: Fields): Media | null {
  const given = typeof filename === 'string' && filename !== '' ? filename : name
  return media && typeof given === 'string' && given !== '' ? { ...media, name: given.slice(0, 200) } : media
}

const base64 = /^[A-Za-z0-9+/_-]+={0,2}$/

/** Null where it is none. A last character alone is no byte. */
export function fromBase64(text: string): Uint8Array | null {
  const data = /\s/.test(text) ? text.replace(/\s+/g, '') : text
  return base64.test(data) && data.replace(/=+$/, '').length % 4 !== 1 ? Buffer.from(data, 'base64') : null
}

function fromPercent(text: string): Uint8Array | null {
  try {
    return Buffer.from(decodeURIComponent(text))
  } catch {
    return null
  }
}
