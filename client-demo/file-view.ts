import type { Api } from '../client/index.ts'
import { element, link, sentence, setText, webUrl } from './dom.ts'

export interface ShownFile {
  name: string
  mimeType: string
  url: string
  size?: number | undefined
}

/** What every browser paints and none runs. */
const pictureTypes = new Set(['image/png', 'image/jpeg', 'image/gif', 'image/webp', 'image/avif'])
const maxPictureBytes = 10_000_000

/**
 * A file of a message. Only files of this server are loaded, pictures where
 * they stand: a foreign address would learn who reads. They come over the API,
 * because neither a picture nor a link can carry the token.
 */
export function createFileView({ name, mimeType, url, size }: ShownFile, api: Api): HTMLElement {
  const facts = ` ${mimeType}${size === undefined ? '' : `, ${sizeOf(size)}`}`
  const fileId = ownFileId(url)
  if (fileId === null) return element('div', {}, link(url, name), facts)

  const fault = element('span', { class: 'fault', role: 'alert' })
  const saving = element('a', { href: `api/files/${fileId}`, download: name }, name)
  const caption = [saving, facts, ' ', fault]
  saving.addEventListener('click', (event) => {
    event.preventDefault()
    setText(fault, '')
    api
      .getFile(fileId)
      .then((bytes) => save(bytes, name))
      .catch((error: unknown) => setText(fault, sentence(error)))
  })
  if (!pictureTypes.has(mimeType) || (size ?? 0) > maxPictureBytes) return element('div', {}, ...caption)

  const picture = element('img', { alt: name })
  api
    .getFile(fileId)
    .then(dataUrl)
    .then((data) => {
      picture.src = data
    })
    .catch((error: unknown) => setText(fault, sentence(error)))
  return element('figure', {}, picture, element('figcaption', {}, ...caption))
}

function ownFileId(url: string): string | null {
  const parsed = webUrl(url)
  return parsed?.origin === location.origin ? fileIdOf(parsed.pathname) : null
}

export function fileIdOf(path: string): string | null {
  // Whatever path the server is below, or was when the file was kept.
  return /\/api\/files\/([A-Za-z0-9_-]+)$/.exec(path)?.[1] ?? null
}

function sizeOf(bytes: number): string {
  if (bytes < 1_000) return `${bytes} bytes`
  return bytes < 1_000_000 ? `${Math.round(bytes / 1_000)} kB` : `${(bytes / 1_000_000).toFixed(1)} MB`
}

/** The page's policy allows pictures as data, and no others but those of its own address. */
function dataUrl(bytes: Blob): Promise<string> {
  return new Promise((resolve, reject) => {
    const reader = new FileReader()
    reader.addEventListener('load', () => resolve(reader.result as string))
    reader.addEventListener('error', () => reject(reader.error ?? new Error('The picture could not be read.')))
    reader.readAsDataURL(bytes)
  })
}

function save(bytes: Blob, name: string): void {
  const href = URL.createObjectURL(bytes)
  element('a', { href, download: name }).click()
  // The browser has taken hold of it by then.
  setTimeout(() => URL.revokeObjectURL(href), 60_000)
}
