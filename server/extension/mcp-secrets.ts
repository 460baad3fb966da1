import type { McpServer } from './mcp-client.ts'

/** Shorter values are words and flags; hiding them would hide the sentence. */
const MIN_SECRET_CHARS = 6

/**
 * Hides what a server's configuration may hold of secrets (headers,
 * environment, parts of the address): servers and libraries quote them in
 * errors, and errors are shown to every reader.
 */
export function redactor(server: McpServer): (text: string) => string {
  const secrets = valuesOf(server)
    // `Bearer …` is a secret without its first word, too.
    .flatMap((value) => [value, ...value.split(' ')])
    .filter((value) => value.length >= MIN_SECRET_CHARS)
    .toSorted((a, b) => b.length - a.length)
  return (text) => secrets.reduce((left, secret) => left.replaceAll(secret, '***'), text)
}

function valuesOf(server: McpServer): string[] {
  if ('command' in server) return Object.values(server.env ?? {})
  const { search, searchParams, username, password } = new URL(server.url)
  return [
    ...Object.values(server.headers ?? {}),
    search,
    ...searchParams.values(),
    username,
    decodeURIComponent(password),
    password,
  ]
}
