import type { JsonObject } from '@runnel/client'
import { useCall } from '@runnel/client/react'
import { Button } from '../ui/button.tsx'
import { Fault } from '../ui/fault.tsx'
import { Paperclip } from '../ui/icons.ts'
import { useWords } from '../words/words.ts'
import { saveFile } from './save-file.ts'

/** The files of a question, each to be saved. */
export function QuestionFiles({ files }: { files: readonly JsonObject[] }) {
  const words = useWords().conversation
  const [save, saving] = useCall('file', async (api, id: string, name: string) => saveFile(await api.getFile(id), name))
  if (files.length === 0) return null
  return (
    <>
      <ul className="question-files" aria-label={words.files}>
        {files.map((file, index) => {
          const [name, id] = [String(file.name), fileIdOf(String(file.url))]
          return (
            <li key={id ?? index} data-testid="file">
              {id === null ? (
                name
              ) : (
                <Button icon={Paperclip} className="file" onClick={() => void save(id, name)}>
                  <bdi>{name}</bdi>
                </Button>
              )}
            </li>
          )
        })}
      </ul>
      <Fault error={saving.error} />
    </>
  )
}

/** Whatever path the server is below, or was when the file was kept. */
export function fileIdOf(url: string): string | null {
  return /\/api\/files\/([A-Za-z0-9_-]+)$/.exec(url)?.[1] ?? null
}
