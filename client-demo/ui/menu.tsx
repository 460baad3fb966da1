import { cloneElement, lazy, Suspense, useState, type MouseEvent, type ReactElement } from 'react'
import type { ButtonProps } from './button.tsx'
import type { Choice } from './floating.ts'

export type { Choice }

const OpenMenu = lazy(() => import('./open-menu.tsx'))

/** A button, such as an `IconButton`, that opens a menu. Without choices nothing is rendered. */
export function ChoiceMenu({
  button,
  choices,
}: {
  button: ReactElement<ButtonProps>
  /** Entries that are false are left out: a menu shows nothing that cannot be pressed. */
  choices: readonly (Choice | false)[]
}) {
  const [anchor, setAnchor] = useState<HTMLElement | null>(null)
  const offered = choices.filter((choice) => choice !== false)
  if (offered.length === 0) return null
  return (
    <>
      {cloneElement(button, {
        'aria-haspopup': 'menu',
        'aria-expanded': anchor !== null,
        onClick: ({ currentTarget }: MouseEvent<HTMLButtonElement>) => setAnchor(currentTarget),
      })}
      {anchor && (
        <Suspense>
          <OpenMenu anchor={anchor} choices={offered} close={() => setAnchor(null)} />
        </Suspense>
      )}
    </>
  )
}
