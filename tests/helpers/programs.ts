import { once } from 'node:events'
import { accessSync, constants } from 'node:fs'
import { createServer, type AddressInfo } from 'node:net'
import { delimiter, join } from 'node:path'

/** Not a fault: what needs the program cannot be done on this machine. */
export class MissingProgram extends Error {}

/**
 * Where a program is that npm does not bring: the one that `variable` names, or the first of `names` on the path and in
 * `folders`. Names and places as in scripts/needs.mjs, which installs it. Throws what a person can act on.
 */
export function programPath(
  label: string,
  variable: string,
  names: readonly string[],
  folders: readonly string[] = [],
): string {
  const named = process.env[variable]
  if (named !== undefined && named !== '') return named
  // Debian keeps servers where not every user's PATH looks.
  const places = [...(process.env['PATH'] ?? '').split(delimiter), '/usr/sbin', ...folders]
  const path = names.flatMap((name) => places.map((place) => join(place, name))).find(isExecutable)
  if (path === undefined)
    throw new MissingProgram(
      `${label} is missing: \`npm test\` or \`npm run test:wide\` installs it on Debian; elsewhere name the program in ${variable}.`,
    )
  return path
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK)
    return true
  } catch {
    return false
  }
}

/** One that nobody has now. `below`: and no higher than that. */
export async function freePort(below = 65_536): Promise<number> {
  for (;;) {
    const server = createServer().listen(0, '127.0.0.1')
    await once(server, 'listening')
    const { port } = server.address() as AddressInfo
    server.close()
    await once(server, 'close')
    if (port < below) return port
  }
}
