import { execFile } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

export const root = fileURLToPath(new URL('../..', import.meta.url))
const execute = promisify(execFile)
const COMMAND_MS = 120_000

// npm tells its scripts where they run: a nested npm would take this project for its own. vitest speaks to its own workers.
export const childEnv = Object.fromEntries(
  Object.entries(process.env).filter(
    ([name]) => !/^npm_(?!config_)|^npm_config_local_prefix$|^NODE_(ENV|OPTIONS)$|^VITE/.test(name),
  ),
)
childEnv['NEXT_TELEMETRY_DISABLED'] = '1'

/** Runs a program to its end; rejects, with what it said, where it fails. */
export async function execProgram(cwd: string, program: string, ...args: string[]): Promise<string> {
  try {
    return (await execute(program, args, { cwd, env: childEnv, timeout: COMMAND_MS, maxBuffer: 64_000_000 })).stdout
  } catch (error) {
    const { stdout, stderr } = error as { stdout: string; stderr: string }
    throw new Error(`${program} ${args.join(' ')}\n${stdout}${stderr}`, { cause: error })
  }
}

export type PackageName = 'client' | 'core' | 'testing'

/** `npm run build`, and what `npm publish` would send of each package. */
export async function packAll(): Promise<{ tarballs: Record<PackageName, string>; remove: () => Promise<void> }> {
  const folder = await mkdtemp(join(tmpdir(), 'runnel-packed-'))
  await execProgram(root, process.execPath, join(root, 'scripts/build.mjs'))
  const names = ['client', 'core', 'testing'] as const
  const said = await execProgram(
    root,
    'npm',
    ...['pack', '--json', '--loglevel=error', '--pack-destination', folder],
    ...names.map((name) => `./dist/packages/${name}`),
  )
  const files = Object.values(JSON.parse(said) as { name: string; filename: string }[])
  const tarball = (name: PackageName) => {
    const { filename } = files.find((file) => file.name === `@runnel/${name}`)!
    return join(folder, filename)
  }
  return {
    tarballs: { client: tarball('client'), core: tarball('core'), testing: tarball('testing') },
    remove: () => rm(folder, { recursive: true, force: true }),
  }
}

/** An empty project with these packages (names, or files of `packAll`), and nothing else. */
export async function projectWith(
  packages: readonly string[],
): Promise<{ folder: string; remove: () => Promise<void> }> {
  const folder = await mkdtemp(join(tmpdir(), 'runnel-project-'))
  await writeFile(join(folder, 'package.json'), JSON.stringify({ type: 'module', private: true }))
  if (packages.length > 0) await install(folder, packages)
  return { folder, remove: () => rm(folder, { recursive: true, force: true }) }
}

export async function install(folder: string, packages: readonly string[]): Promise<void> {
  const options = ['--no-audit', '--no-fund', '--ignore-scripts', '--prefer-offline', '--loglevel=error']
  await execProgram(folder, 'npm', 'install', ...options, ...packages)
}
