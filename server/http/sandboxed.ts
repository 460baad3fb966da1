import type { Response } from 'express'

/** For what others wrote: a browser that opens it as a page runs nothing, loads nothing, and does not guess another type. */
export function sandboxed(response: Response): void {
  response.set({
    'Content-Security-Policy':
      "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; sandbox",
    'X-Content-Type-Options': 'nosniff',
  })
}
