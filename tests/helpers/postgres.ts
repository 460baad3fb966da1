import { execFileSync, spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { chownSync, globSync, mkdtempSync, realpathSync, rmSync } from 'node:fs'
import { tmpdir, userInfo } from 'node:os'
import { dirname, join } from 'node:path'
import { Client } from 'pg'
import { freePort, programPath } from './programs.ts'

export interface Postgres {
  /** Makes an empty database. Returns its URL. */
  database(): Promise<string>
  /** Runs SQL in a database, the first one where none is named. */
  run<Row = Record<string, unknown>>(sql: string, url?: string): Promise<Row[]>
  /** Runs a program of its own release, `pg_dump` for instance. */
  program(name: string, ...args: string[]): void
  /** SIGKILL, or the shutdown that lets nobody finish. */
  stop(how: 'kill' | 'fast'): Promise<void>
  start(): Promise<void>
  close(): Promise<void>
}

/**
 * Starts a server of its own, on a free port of loopback, in a folder of its
 * own, and without waiting for the disk. It ends with this process, however
 * that dies: the kernel sends it SIGINT then.
 */
export async function startPostgres(settings: readonly string[] = ['fsync=off']): Promise<Postgres> {
  const bin = dirname(
    realpathSync(programPath('Postgres', 'RUNNEL_TEST_POSTGRES', ['postgres'], globSync('/usr/lib/postgresql/*/bin'))),
  )
  const folder = mkdtempSync(join(tmpdir(), 'runnel-postgres-'))
  // The server refuses to run as root.
  const isRoot = userInfo().uid === 0
  const asUser = isRoot ? ['--reuid=postgres', '--regid=postgres', '--init-groups'] : []
  if (isRoot) chownSync(folder, idOf('-u'), idOf('-g'))
  const data = join(folder, 'data')
  execFileSync(
    'setpriv',
    [
      ...asUser,
      join(bin, 'initdb'),
      '-D',
      data,
      '-U',
      'runnel',
      '-A',
      'trust',
      '-E',
      'UTF8',
      '--locale=C',
      '--no-sync',
    ],
    { cwd: folder, stdio: ['ignore', 'ignore', 'pipe'] },
  )
  const port = await freePort()
  const urlOf = (database: string) => `postgres://runnel:secret@127.0.0.1:${port}/${database}`
  let child: ChildProcess | undefined
  let databases = 0

  async function run<Row>(sql: string, url = urlOf('postgres')): Promise<Row[]> {
    const client = new Client({ connectionString: url })
    await client.connect()
    try {
      return (await client.query(sql)).rows as Row[]
    } finally {
      await client.end()
    }
  }

  let complaint = ''
  function launch(): ChildProcess {
    const options = [
      'listen_addresses=127.0.0.1',
      `port=${port}`,
      `unix_socket_directories=${folder}`,
      'max_connections=60',
      ...settings,
    ]
    const launched = spawn(
      'setpriv',
      [...asUser, '--pdeathsig=INT', join(bin, 'postgres'), '-D', data, ...options.flatMap((option) => ['-c', option])],
      { cwd: folder, stdio: ['ignore', 'ignore', 'pipe'] },
    )
    launched.stderr.on('data', (text: Buffer) => {
      complaint = (complaint + text.toString()).slice(-2_000)
    })
    return launched
  }

  async function start(): Promise<void> {
    for (const deadline = Date.now() + 10_000; ;) {
      // It refuses to start while processes of one that was killed are left.
      if (!isRunning(child)) child = launch()
      try {
        await run('SELECT 1')
        return
      } catch (error) {
        if (Date.now() > deadline) throw new Error(`Postgres did not start: ${complaint}`, { cause: error })
        await new Promise((resolve) => setTimeout(resolve, 20))
      }
    }
  }

  async function stop(how: 'kill' | 'fast'): Promise<void> {
    if (!isRunning(child)) return
    const exited = once(child, 'exit')
    child.kill(how === 'kill' ? 'SIGKILL' : 'SIGINT')
    await exited
  }

  await start()
  return {
    run,
    start,
    stop,
    program: (name, ...args) =>
      void execFileSync(join(bin, name), args, { cwd: folder, stdio: ['ignore', 'ignore', 'inherit'] }),
    database: async () => {
      const name = `test_${++databases}`
      await run(`CREATE DATABASE ${name}`)
      return urlOf(name)
    },
    close: async () => {
      await stop('fast')
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

function isRunning(child: ChildProcess | undefined): child is ChildProcess {
  return child !== undefined && child.exitCode === null && child.signalCode === null
}

function idOf(flag: '-u' | '-g'): number {
  return Number(execFileSync('id', [flag, 'postgres'], { encoding: 'utf8' }))
}
