import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { promisify } from 'node:util'

/** Node of this machine, outside of the project, from 20 on and older than the project needs; often there is none. */
export async function oldNodes(): Promise<string[]> {
  const found: string[] = []
  for (const folder of new Set((process.env['PATH'] ?? '').split(delimiter))) {
    const path = join(folder, 'node')
    if (folder.includes('node_modules') || !existsSync(path)) continue
    const { stdout } = await promisify(execFile)(path, ['--version'])
    const major = Number(/^v(\d+)/.exec(stdout)?.[1])
    if (major >= 20 && major < 22) found.push(path)
  }
  return found
}
