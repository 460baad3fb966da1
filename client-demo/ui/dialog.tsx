import { lazy, Suspense } from 'react'
import type { DialogProps } from './floating.ts'

const OpenDialog = lazy(() => import('./open-dialog.tsx'))

/** What takes the whole attention until it is closed: Escape and a press beside it do that, too. */
export function Dialog({ isOpen, ...rest }: DialogProps) {
  return (
    isOpen && (
      <Suspense>
        <OpenDialog {...rest} />
      </Suspense>
    )
  )
}
