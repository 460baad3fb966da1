import { lazy, Suspense } from 'react'
import type { PopoverProps } from './floating.ts'

const OpenPopover = lazy(() => import('./open-popover.tsx'))

/** A small panel at the button that opened it, such as a picker. */
export function Popover({ anchor, ...rest }: PopoverProps) {
  return (
    anchor && (
      <Suspense>
        <OpenPopover anchor={anchor} {...rest} />
      </Suspense>
    )
  )
}
