/** Libraries of the project's own `node_modules`, else of the folder beside this one, which is installed on demand. */
import { execFileSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'

const wide = join(import.meta.dirname, '..')
const roots = [join(wide, 'package.json'), join(wide, '../../../package.json')]

/** Their types are of no use here: several majors of one library stand side by side. */
export async function load(name: string, from: 'wide' | 'project' = 'wide'): Promise<any> {
  const places = from === 'wide' ? roots : roots.toReversed()
  for (const place of places) {
    const found = resolved(name, place)
    if (found !== undefined) return await import(/* @vite-ignore */ found)
  }
  throw new Error(`${name} is not installed.`)
}

function resolved(name: string, place: string): string | undefined {
  try {
    return pathToFileURL(createRequire(place).resolve(name)).href
  } catch {
    return undefined
  }
}

/** Installs what the wide test reads the door with, once. */
export function installClients(): void {
  if (existsSync(join(wide, 'node_modules/.package-lock.json'))) return
  execFileSync('npm', ['ci', '--no-audit', '--no-fund', '--ignore-scripts', '--legacy-peer-deps'], {
    cwd: wide,
    stdio: 'inherit',
  })
}
