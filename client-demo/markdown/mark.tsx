import type { TextMark } from '@runnel/client/react/markdown'
import { createContext, use, type ReactNode } from 'react'

/** What stands for a mark of the text that is shown. Told from above: that it is known later makes no other elements of the text. */
export const MarkContext = createContext<((mark: TextMark) => ReactNode) | null>(null)

export function Mark({ mark }: { mark: TextMark }) {
  return use(MarkContext)?.(mark) ?? null
}
