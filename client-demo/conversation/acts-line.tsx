import { Suspense, type ReactNode } from 'react'

/** Reserves the line for the buttons of a message until they are loaded, so that nothing moves. */
export function ActsLine({ children }: { children: ReactNode }) {
  return <Suspense fallback={<div className="message-acts" />}>{children}</Suspense>
}
