import { Children, type ReactNode } from 'react'

/** An item of a list. A task has its box in place of the mark. */
export function Item({ children, ...attrs }: { children?: ReactNode }) {
  const first: unknown = Children.toArray(children)[0]
  const isTask = typeof first === 'string' && /^[☐☑] /.test(first)
  return (
    <li {...attrs} className={isTask ? 'task' : undefined}>
      {children}
    </li>
  )
}
