import { Children, type ReactNode } from 'react'

/** A list item. A task shows its box instead of the list mark. */
export function Item({ children, ...attrs }: { children?: ReactNode }) {
  const first: unknown = Children.toArray(children)[0]
  const isTask = typeof first === 'string' && /^[☐☑] /.test(first)
  return (
    <li {...attrs} className={isTask ? 'task' : undefined}>
      {children}
    </li>
  )
}
