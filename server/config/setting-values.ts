/** What a setting may be: from the text of an environment variable to its value, or what it must be. */
import { isIP } from 'node:net'
import { z } from 'zod'

export const text = z.string().trim().min(1, 'must not be blank')

export const integer = (min: number) =>
  z.number('must be a whole number, in digits').int('must be a whole number that is not too large').min(min)

/** A number is written in digits and nothing else: `1e3`, `0x10` and a blank are slips, and Number() would read all of them. */
export function parseSetting(schema: z.ZodType, value: string) {
  const isNumber = schema instanceof z.ZodNumber && /^-?\d+$/.test(value.trim())
  return schema.safeParse(isNumber ? Number(value) : value)
}

export const list = text
  .transform((value) =>
    value
      .split(',')
      .map((part) => part.trim())
      .filter((part) => part !== ''),
  )
  .refine((parts) => parts.length > 0, 'must name one at least')

/** The address of a server that is asked over HTTP. */
export const webUrl = text.refine(isWebUrl, 'must be an address that begins with http:// or https://')

/** Where browsers are sent: an address, or a path on the same server. */
export const pageUrl = text.refine(
  (value) => isWebUrl(value) || /^\/(?![/\\])/.test(value),
  'must be an address that begins with http:// or https://, or a path that begins with /',
)

/** What browsers send as Origin: no path, no pattern. */
export const origins = list.refine(
  (parts) => parts.every(isOrigin),
  'must be origins, each with its scheme and nothing behind the port, as https://chat.example; * is none',
)

/** Names for networks, as in express: what stands for a proxy on the same machine or in the same private network. */
const namedNetworks = new Map(
  Object.entries({
    loopback: ['127.0.0.0/8', '::1/128'],
    linklocal: ['169.254.0.0/16', 'fe80::/10'],
    uniquelocal: ['10.0.0.0/8', '172.16.0.0/12', '192.168.0.0/16', 'fc00::/7'],
  }),
)
export const networks = list
  .transform((parts) => parts.flatMap((part) => namedNetworks.get(part) ?? [part]))
  .refine(
    (parts) => parts.every(isNetwork),
    'must be addresses (10.0.0.1), networks (10.0.0.0/8), loopback, linklocal or uniquelocal',
  )

export const database = z
  .string()
  .refine(isDatabase, 'must be sqlite:<path>, postgres://<user>:<password>@<host>/<database> or memory:')

export const redisNodes = z
  .string()
  .refine(
    (value) => value.split(',').every((url) => /^rediss?:\/\/\S+$/.test(url) && URL.canParse(url)),
    'must be redis://… or rediss://…, the nodes of a Cluster by commas',
  )

export function isPostgres(url: string): boolean {
  return /^postgres(ql)?:\/\//.test(url)
}

function isDatabase(url: string): boolean {
  return url === 'memory:' || /^sqlite:.+$/.test(url) || (isPostgres(url) && URL.canParse(url))
}

export function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || host === '[::1]' || /^127(\.\d{1,3}){3}$/.test(host)
}

function isWebUrl(value: string): boolean {
  return /^https?:\/\/\S+$/i.test(value) && URL.canParse(value)
}

function isOrigin(value: string): boolean {
  if (!isWebUrl(value)) return false
  const { origin, href, hostname } = new URL(value)
  return href === `${origin}/` && !hostname.includes('*')
}

function isNetwork(value: string): boolean {
  const [address = '', bits, ...rest] = value.split('/')
  const version = isIP(address)
  if (version === 0 || rest.length > 0) return false
  return bits === undefined || (/^\d{1,3}$/.test(bits) && Number(bits) <= (version === 4 ? 32 : 128))
}

/** What may open thoughts in a text: `<think>`, `[THINK]`. */
export function isThinkTag(tag: string): boolean {
  return /^\S\S{1,30}\S$/.test(tag) && /[^\w\s]/.test(tag[0]!)
}
