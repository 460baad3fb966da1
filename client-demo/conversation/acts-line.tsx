import { Suspense, type ReactNode } from 'react'

/** Keeps the line of a message for what may be done with it, until that has been loaded: nothing moves then. */
export function ActsLine({ children }: { children: ReactNode }) {
  return <Suspense fallback={<div className="message-acts" />}>{children}</Suspense>
}
