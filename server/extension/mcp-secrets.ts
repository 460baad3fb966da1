import { addressSecrets } from '../secrets/secrets.ts'
import type { McpServer } from './mcp-config.ts'

/** Arguments whose flag says that a secret follows: `--api-key=…`, `--token …`. */
const secretFlag = /^--?[\w-]*(?:key|token|secret|password|auth)[\w-]*(?:=(.*))?$/is

/** What a server's configuration may hold of secrets: headers, environment, arguments, parts of the address. */
export function mcpSecrets(server: McpServer): string[] {
  return valuesOf(server).flatMap((value) => [value, ...value.split(' '), ...basicCredentials(value)])
}

/** What else only whoever runs it should read: its address, or how it is started. */
export function mcpPlace(server: McpServer): string[] {
  if ('command' in server)
    return [server.command, ...(server.args ?? []), ...(server.cwd === undefined ? [] : [server.cwd])]
  const { href, origin, host, hostname, pathname } = new URL(server.url)
  return [href, origin, host, hostname, pathname]
}

function valuesOf(server: McpServer): string[] {
  if ('url' in server) return [...Object.values(server.headers ?? {}), ...addressSecrets(server.url)]
  const { env = {}, args = [] } = server
  return [
    ...Object.values(env),
    ...args.flatMap((arg, index) => {
      const flag = secretFlag.exec(arg)
      return flag ? [flag[1] ?? args[index + 1] ?? ''] : []
    }),
  ]
}

/** `Basic …` is a name and a password. */
function basicCredentials(value: string): string[] {
  const encoded = /^basic ([\w+/-]+=*)$/i.exec(value)?.[1]
  if (encoded === undefined) return []
  const text = Buffer.from(encoded, 'base64').toString()
  return [text, text.slice(text.indexOf(':') + 1)]
}
