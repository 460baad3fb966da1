import { isIP } from 'node:net'
import { RunnelError } from '../../shared/errors.ts'

/** Headers of a request or an upgrade that say who calls from where. */
export interface CallerHeaders {
  host?: string | undefined
  origin?: string | undefined
}

/**
 * Host and Origin, so that a web page cannot drive a server that the browser's
 * owner runs: `Host` must be loopback or a host of the allowed origins (a page
 * that rebinds its name to 127.0.0.1 keeps its own name there), `Origin`, which
 * browsers send and programs do not, must be the server's own or allowed.
 */
export class Origins {
  readonly #allowed: ReadonlySet<string>
  readonly #hosts: ReadonlySet<string>

  constructor(allowed: readonly string[]) {
    this.#allowed = new Set(allowed.map((origin) => new URL(origin).origin))
    this.#hosts = new Set(allowed.map((origin) => new URL(origin).host))
  }

  /** Origins beside the server's own. */
  get allowed(): Iterable<string> {
    return this.#allowed
  }

  /** Throws `forbidden`. */
  check({ host, origin }: CallerHeaders): void {
    if (host === undefined || !(isLoopbackHost(host) || this.#hosts.has(host))) {
      throw new RunnelError('forbidden', 'This server does not answer to that host name (RUNNEL_ALLOWED_ORIGINS).')
    }
    if (origin === undefined || this.#allowed.has(origin)) return
    if (originHost(origin) === host) return
    throw new RunnelError(
      'forbidden',
      'This server does not take calls from pages of that origin (RUNNEL_ALLOWED_ORIGINS).',
    )
  }
}

function isLoopbackHost(host: string): boolean {
  let name: string
  try {
    name = new URL(`http://${host}`).hostname
  } catch {
    return false
  }
  return name === 'localhost' || name === '[::1]' || (isIP(name) === 4 && name.startsWith('127.'))
}

/** Null for an opaque origin ("null"). */
function originHost(origin: string): string | null {
  try {
    return new URL(origin).host
  } catch {
    return null
  }
}
