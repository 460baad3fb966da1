import type { Request } from 'express'

export type Encoding = 'br' | 'gzip'

/** The smallest that a caller takes; browsers name gzip first, and weigh none. */
export function encodingFor(request: Request): Encoding | undefined {
  return (['br', 'gzip'] as const).find((encoding) => request.acceptsEncodings(encoding) !== false)
}
