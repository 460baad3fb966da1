import { isIP } from 'node:net'
import { RunnelError } from '../../shared/errors.ts'
import { ClientAddresses, type RequestSource } from './addresses.ts'

/** A host name or an address, with a port or without: no userinfo, no path, nothing that a parser would read in two ways. */
const hostForm = /^([\w.-]+|\[[\da-f:.]+\])(:\d{1,5})?$/i

/**
 * Host and Origin, so that a web page cannot drive a server that the browser's
 * owner runs: `Host` must be loopback or a host of the allowed origins (a page
 * that rebinds its name to 127.0.0.1 keeps its own name there), `Origin`, which
 * browsers send and programs do not, must be allowed, or the server's own on
 * loopback. Origins are compared whole: scheme, host and port.
 */
export class Origins {
  readonly #allowed: ReadonlySet<string>
  readonly #hosts: ReadonlySet<string>
  readonly #addresses: ClientAddresses

  /** @param addresses which proxies are believed when they say what scheme they were called by */
  constructor(allowed: readonly string[], addresses = new ClientAddresses([])) {
    this.#allowed = new Set(allowed.map((origin) => new URL(origin).origin))
    this.#hosts = new Set(allowed.flatMap((origin) => hostsOf(new URL(origin))))
    this.#addresses = addresses
  }

  /** Origins beside the server's own. */
  get allowed(): Iterable<string> {
    return this.#allowed
  }

  /** Throws `forbidden`. */
  check(request: RequestSource): void {
    const { host, origin } = request.headers
    const own =
      typeof host === 'string' && hostForm.test(host)
        ? URL.parse(`${this.#addresses.schemeOf(request)}://${host}`)
        : null
    if (own === null || !(isLoopbackName(own.hostname) || this.#hosts.has(String(host).toLowerCase()))) {
      throw new RunnelError('forbidden', 'This server does not answer to that host name (RUNNEL_ALLOWED_ORIGINS).')
    }
    if (origin === undefined || this.#allowed.has(String(origin))) return
    // Elsewhere than on loopback TLS may end before this process, so that only the setting knows the scheme.
    if (isLoopbackName(own.hostname) && origin === own.origin) return
    throw new RunnelError(
      'forbidden',
      'This server does not take calls from pages of that origin (RUNNEL_ALLOWED_ORIGINS).',
    )
  }
}

/** What `Host` is for callers of this origin: the port that its scheme has by itself may be said or not. */
function hostsOf({ host, hostname, port, protocol }: URL): string[] {
  return [host, `${hostname}:${port || (protocol === 'https:' ? '443' : '80')}`]
}

function isLoopbackName(name: string): boolean {
  return name === 'localhost' || name === '[::1]' || (isIP(name) === 4 && name.startsWith('127.'))
}
