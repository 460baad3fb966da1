import { RunnelError } from '../../shared/errors.ts'

/** A chat that was deleted a moment ago gets no member and no invite any more. */
export function unknownChat(): RunnelError {
  return new RunnelError('not_found', 'There is no such chat.')
}
