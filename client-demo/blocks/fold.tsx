import { useState, type ReactNode } from 'react'
import { ChevronRight } from '../ui/icons.ts'
import './fold.css'

/** Follows `isOpen` until the reader opens or closes it themselves. Find-in-page finds its text while it is closed. */
export function Fold({
  label,
  isOpen,
  className = '',
  children,
}: {
  label: ReactNode
  isOpen: boolean
  className?: string
  children: ReactNode
}) {
  const [chosen, choose] = useState<boolean | null>(null)
  const isShown = chosen ?? isOpen
  return (
    <details
      className={`fold ${className}`}
      open={isShown}
      // Find-in-page may open it, too.
      onToggle={({ currentTarget, target }) => {
        if (target === currentTarget && currentTarget.open !== isShown) choose(currentTarget.open)
      }}
    >
      <summary>
        {label}
        <ChevronRight aria-hidden className="icon fold-mark" />
      </summary>
      {children}
    </details>
  )
}
