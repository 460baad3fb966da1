import { isRunnelError, RunnelError, type ErrorCode } from '../../shared/errors.ts'

/** Why a frame or a socket was refused: a code, or that a client tried to write. */
export type RefusalReason = ErrorCode | 'write'

export function asRunnelError(error: unknown): RunnelError {
  if (isRunnelError(error)) return error
  return new RunnelError('internal', 'Something went wrong inside the server.', { cause: error })
}
