import type { JsonObject } from '@runnel/client'
import { lazy, Suspense } from 'react'
import type { ShownFile } from '../blocks/file-view.tsx'
import { useWords } from '../words/words.ts'

const FileView = lazy(() => import('../blocks/file-view.tsx').then((module) => ({ default: module.FileView })))

/** The files of a question. */
export function QuestionFiles({ files }: { files: readonly JsonObject[] }) {
  const words = useWords().conversation
  if (files.length === 0) return null
  return (
    <ul className="question-files" aria-label={words.files}>
      {files.map((file, index) => (
        <li key={fileIdOf(String(file.url)) ?? index} data-testid="file">
          <Suspense fallback={<bdi>{String(file.name)}</bdi>}>
            <FileView file={file as unknown as ShownFile} />
          </Suspense>
        </li>
      ))}
    </ul>
  )
}

/** The server may be below another path than when the file was stored. */
export function fileIdOf(url: string): string | null {
  return /\/api\/files\/([A-Za-z0-9_-]+)$/.exec(url)?.[1] ?? null
}
