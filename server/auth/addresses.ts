import { BlockList, isIP, isIPv4 } from 'node:net'

/** What of a request says where it comes from. */
export interface RequestSource {
  socket: { remoteAddress?: string | undefined; encrypted?: boolean }
  headers: Readonly<Record<string, string | string[] | undefined>>
}

/**
 * Where a caller sits. `X-Forwarded-For` is a claim: it counts only as far as
 * proxies that are trusted have written it (RUNNEL_TRUST_PROXY), read from its end.
 */
export class ClientAddresses {
  readonly #trusted = new BlockList()

  /** @param networks addresses and networks (`10.0.0.0/8`) of trusted proxies */
  constructor(networks: readonly string[]) {
    for (const network of networks) {
      const [address = '', bits] = network.split('/')
      const family = isIPv4(address) ? 'ipv4' : 'ipv6'
      this.#trusted.addSubnet(address, bits === undefined ? (family === 'ipv4' ? 32 : 128) : Number(bits), family)
    }
  }

  readonly trusts = (address: string): boolean => {
    const plain = unmapped(address)
    return isIP(plain) !== 0 && this.#trusted.check(plain, isIPv4(plain) ? 'ipv4' : 'ipv6')
  }

  /** The address of the last machine that no trusted proxy vouches to be one of ours. */
  of({ socket, headers }: RequestSource): string {
    let address = unmapped(socket.remoteAddress ?? 'unknown')
    const forwarded = [headers['x-forwarded-for'] ?? []]
      .flat()
      .join(',')
      .split(',')
      .map((part) => unmapped(part.trim()))
    while (this.trusts(address)) {
      const next = forwarded.pop()
      if (next === undefined || isIP(next) === 0) break
      address = next
    }
    return address
  }

  /** The scheme by which the caller came. `X-Forwarded-Proto` counts where a trusted proxy sent it. */
  schemeOf({ socket, headers }: RequestSource): 'http' | 'https' {
    const claimed = this.trusts(socket.remoteAddress ?? '') ? [headers['x-forwarded-proto'] ?? []].flat()[0] : undefined
    const first = claimed?.split(',')[0]!.trim().toLowerCase()
    if (first === 'http' || first === 'https') return first
    return socket.encrypted === true ? 'https' : 'http'
  }

  /** What limits by address count: the address, or the /64 of an IPv6 one, which is the least that one customer has. */
  keyOf(source: RequestSource): string {
    const address = this.of(source)
    return isIP(address) === 6 ? `${ipv6Groups(address).slice(0, 4).join(':')}::/64` : address
  }
}

/** IPv4 as a dual-stack socket shows it: `::ffff:192.0.2.1`. */
function unmapped(address: string): string {
  return /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address)?.[1] ?? address
}

function ipv6Groups(address: string): string[] {
  const [head = '', tail] = address.replace(/%.*$/, '').split('::')
  const before = head === '' ? [] : head.split(':')
  const after = tail === undefined || tail === '' ? [] : tail.split(':')
  const filled = [
    ...before,
    ...Array.from({ length: Math.max(0, 8 - before.length - after.length) }, () => '0'),
    ...after,
  ]
  return filled.map((group) => group.toLowerCase().replace(/^0+(?=.)/, ''))
}
