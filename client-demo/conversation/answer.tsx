import { lazy, memo, Suspense } from 'react'
import { OneAnswer } from './one-answer.tsx'
import type { MessageProps } from './question.tsx'
import { useIsSideBySide } from './side-by-side.ts'

const Columns = lazy(() => import('./columns.tsx'))

/** An answer, or the answers of several models side by side. */
export const Answer = memo(function Answer(props: MessageProps) {
  const isSideBySide = useIsSideBySide(props.chatId, props.entry.message.parentId)
  if (!isSideBySide) return <OneAnswer {...props} />
  return (
    <Suspense fallback={<OneAnswer {...props} />}>
      <Columns {...props} />
    </Suspense>
  )
})
