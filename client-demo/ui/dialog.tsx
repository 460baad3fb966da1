import { lazy, Suspense } from 'react'
import type { DialogProps } from './floating.ts'

const OpenDialog = lazy(() => import('./open-dialog.tsx'))

/** A modal dialog. Escape and a press beside it close it, too. */
export function Dialog({ isOpen, ...rest }: DialogProps) {
  return (
    isOpen && (
      <Suspense>
        <OpenDialog {...rest} />
      </Suspense>
    )
  )
}
