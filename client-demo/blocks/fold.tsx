import { useState, type ReactNode } from 'react'
import { ChevronRight } from '../ui/icons.ts'
import './fold.css'

/** Opens and closes as it is told, until its reader has done either. What is in it can be found while it is closed. */
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
      // Find-in-page opens it, too.
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
