import type { RunnelError } from '@runnel/client'
import { useEffect, useState, useSyncExternalStore } from 'react'
import { Button, IconButton } from '../ui/button.tsx'
import { useSentence } from '../ui/fault.tsx'
import { Paperclip, X } from '../ui/icons.ts'
import { useWords } from '../words/words.ts'
import type { Attachment } from './attachment.ts'
import { thumbnailOf } from './thumbnail.ts'

interface ListProps {
  files: readonly Attachment[]
  remove?: ((attachment: Attachment) => void) | undefined
  retry?: ((attachment: Attachment) => void) | undefined
}

/** The files of a question, with their progress. */
export function AttachmentList({ files, remove, retry }: ListProps) {
  const words = useWords().compose
  if (files.length === 0) return null
  return (
    <ul className="attachments" aria-label={words.files}>
      {files.map((attachment) => (
        <Chip key={attachment.key} attachment={attachment} remove={remove} retry={retry} />
      ))}
    </ul>
  )
}

function Chip({ attachment, remove, retry }: Omit<ListProps, 'files'> & { attachment: Attachment }) {
  const words = useWords()
  const state = useSyncExternalStore(attachment.subscribe, attachment.getState)
  const [picture, setPicture] = useState<string | null>(null)
  const { file } = attachment
  useEffect(() => {
    let isShown = true
    void thumbnailOf(file).then((found) => isShown && setPicture(found))
    return () => {
      isShown = false
    }
  }, [file])
  const error = state.status === 'failed' ? state.error : null
  const sentence = useSentence(error)
  const most = mostBytesOf(error)
  const reason = most === null ? sentence : words.compose.tooLarge(file.size, most)
  const percent = state.status === 'uploading' ? Math.round(state.sent * 100) : null
  return (
    <li className="attachment" data-testid="attachment" data-status={state.status}>
      {picture === null ? (
        <span className="attachment-picture">
          <Paperclip aria-hidden className="icon" />
        </span>
      ) : (
        <img className="attachment-picture" src={picture} alt="" />
      )}
      <span className="attachment-text">
        <bdi className="attachment-name" title={file.name}>
          {file.name}
        </bdi>
        {error ? (
          <span className="attachment-fault" role="alert">
            {reason}
          </span>
        ) : (
          <span>{percent === null ? words.compose.size(file.size) : words.compose.uploading(percent)}</span>
        )}
        {percent !== null && <progress max={100} value={percent} aria-label={words.compose.uploading(percent)} />}
      </span>
      {error && retry && most === null && (
        <Button look="quiet" onClick={() => retry(attachment)}>
          {words.app.retry}
        </Button>
      )}
      {remove && <IconButton label={words.compose.removeFile(file.name)} icon={X} onClick={() => remove(attachment)} />}
    </li>
  )
}

/** The size limit, if the file was refused because of it. */
function mostBytesOf(error: RunnelError | null): number | null {
  const { maxBytes } = (error?.details ?? {}) as { maxBytes?: unknown }
  return error?.code === 'too_large' && typeof maxBytes === 'number' ? maxBytes : null
}
