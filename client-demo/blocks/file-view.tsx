import { useCall, useRead } from '@runnel/client/react'
import { useState } from 'react'
import { Button } from '../ui/button.tsx'
import { Fault } from '../ui/fault.tsx'
import { Download, ExternalLink, FileIcon } from '../ui/icons.ts'
import { Skeleton } from '../ui/skeleton.tsx'
import { useWords } from '../words/words.ts'
import { LongText } from './long-text.tsx'
import { Picture } from './picture.tsx'
import { apart, webUrl } from './web-url.ts'
import './file.css'

export interface ShownFile {
  readonly name: string
  readonly mimeType: string
  readonly url: string
  readonly size?: number | undefined
}

/** Picture types that every browser shows and none runs as a program. */
const pictureTypes = new Set(['image/png', 'image/jpeg', 'image/gif', 'image/webp', 'image/avif'])
const maxPictureBytes = 10_000_000
const textTypes = /^(?:text\/|application\/(?:json|xml|yaml|toml|x-ndjson|javascript|sql)|[^;]*\+(?:json|xml)\b)/
/** At most this much of a text is read for its preview. */
const maxPreviewBytes = 200_000

/**
 * A file of a message. Only files of this server are loaded, because another server would learn who reads. They come through the API,
 * because a picture or a link cannot carry the token.
 */
export function FileView({ file }: { file: ShownFile }) {
  const { name, mimeType, url, size } = file
  const words = useWords().blocks
  const fileId = ownFileId(url)
  const foreign = fileId === null ? webUrl(url) : null
  const facts = size === undefined ? mimeType : `${mimeType} · ${words.size(size)}`
  const hasPreview = fileId !== null && textTypes.test(mimeType)
  const [isOpen, setOpen] = useState(false)
  const isPicture = fileId !== null && pictureTypes.has(mimeType) && (size ?? 0) <= maxPictureBytes
  return (
    <figure className="file">
      {isPicture && <Picture fileId={fileId} name={name} />}
      <figcaption className="file-line">
        <span className="file-what">
          <FileIcon aria-hidden className="icon" />
          <span className="file-name" dir="auto" title={name}>
            {name}
          </span>
        </span>
        <span className="file-facts">{facts}</span>
        {foreign && (
          <a className="button quiet" href={foreign.href} {...apart} aria-label={`${words.file.open}: ${name}`}>
            <ExternalLink aria-hidden className="icon" />
            {words.file.open}
          </a>
        )}
        {hasPreview && (
          <Button look="quiet" aria-expanded={isOpen} onClick={() => setOpen(!isOpen)} data-testid="preview">
            {isOpen ? words.file.hidePreview : words.file.preview}
          </Button>
        )}
        {fileId !== null && <Save fileId={fileId} name={name} />}
      </figcaption>
      {hasPreview && isOpen && <Preview fileId={fileId} />}
    </figure>
  )
}

function Save({ fileId, name }: { fileId: string; name: string }) {
  const words = useWords().blocks.file
  const [load, { pending, error }] = useCall(`file ${fileId}`, (api) => api.getFile(fileId))
  return (
    <>
      <Button
        look="quiet"
        icon={Download}
        busy={pending}
        onClick={() => void load().then((bytes) => bytes && save(bytes, name))}
        aria-label={`${words.download}: ${name}`}
        data-testid="download"
      >
        {words.download}
      </Button>
      <Fault error={error} />
    </>
  )
}

function Preview({ fileId }: { fileId: string }) {
  const words = useWords().blocks
  const { data, error, reload } = useRead(`text ${fileId}`, async (api, signal) => {
    const bytes = await api.getFile(fileId, { signal })
    return { text: await bytes.slice(0, maxPreviewBytes).text(), isCut: bytes.size > maxPreviewBytes }
  })
  if (error) return <Fault error={error} retry={reload} />
  if (!data) return <Skeleton />
  return (
    <>
      <LongText text={data.text} />
      {data.isCut && <p className="file-facts">{words.file.cut(words.size(maxPreviewBytes))}</p>}
    </>
  )
}

export function ownFileId(url: string): string | null {
  const parsed = webUrl(url)
  if (parsed?.origin !== location.origin) return null
  // The server may be below another path than when the file was stored.
  return /\/api\/files\/([A-Za-z0-9_-]+)$/.exec(parsed.pathname)?.[1] ?? null
}

function save(bytes: Blob, name: string): void {
  const link = document.createElement('a')
  link.href = URL.createObjectURL(bytes)
  link.download = name
  link.click()
  // By then the browser has started the download.
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000)
}
