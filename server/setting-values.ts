/** What a setting may be: from the text of an environment variable to its value, or what it must be. */
import { isIP } from 'node:net'
import { z } from 'zod'

export const text = z.string().trim().min(1)
export const integer = (min: number) => z.coerce.number().int().min(min)
export const list = text.transform((value) =>
  value
    .split(',')
    .map((part) => part.trim())
    .filter((part) => part !== ''),
)

/** Names for networks, as in express: what stands for a proxy on the same machine or in the same private network. */
const namedNetworks: Record<string, readonly string[]> = {
  loopback: ['127.0.0.0/8', '::1/128'],
  linklocal: ['169.254.0.0/16', 'fe80::/10'],
  uniquelocal: ['10.0.0.0/8', '172.16.0.0/12', '192.168.0.0/16', 'fc00::/7'],
}

export const networks = list
  .transform((parts) => parts.flatMap((part) => namedNetworks[part] ?? [part]))
  .refine(
    (parts) => parts.every(isNetwork),
    'must be addresses (10.0.0.1), networks (10.0.0.0/8), loopback, linklocal or uniquelocal',
  )

export function isPostgres(url: string): boolean {
  return /^postgres(ql)?:\/\//.test(url)
}

export function isDatabase(url: string): boolean {
  return url === 'memory:' || /^sqlite:.+$/.test(url) || (isPostgres(url) && URL.canParse(url))
}

export function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || host === '[::1]' || /^127(\.\d{1,3}){3}$/.test(host)
}

function isNetwork(text: string): boolean {
  const [address = '', bits, ...rest] = text.split('/')
  const version = isIP(address)
  if (version === 0 || rest.length > 0) return false
  return bits === undefined || (/^\d{1,3}$/.test(bits) && Number(bits) <= (version === 4 ? 32 : 128))
}
