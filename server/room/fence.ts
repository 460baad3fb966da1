import { RunnelError } from '../../shared/errors.ts'

/** What one who follows a document throws is told here, and harms nobody else. */
export type OnFault = (error: unknown) => void

/** Does it for each of them; one at which it throws is handed to `failed`, the others get theirs all the same. */
export function toEach<T>(those: Iterable<T>, tell: (one: T) => void, failed: (one: T, error: unknown) => void): void {
  for (const one of those) {
    try {
      tell(one)
    } catch (error) {
      failed(one, error)
    }
  }
}

/** Does what must not throw: its fault is told. */
export function fenced(work: () => void, onFault: OnFault): void {
  try {
    work()
  } catch (error) {
    onFault(error)
  }
}

/** What one who follows is told of a fault in the code that serves it. */
export function ownFault(cause: unknown): RunnelError {
  return new RunnelError('internal', 'Something went wrong inside the server.', { cause })
}
