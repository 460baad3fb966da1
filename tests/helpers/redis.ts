import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { freePort, programPath } from './programs.ts'

/** The bus of a Cluster has the port 10,000 above. */
const busPorts = 55_000

export interface RedisServer {
  url: string
  port: number
  pid: number
  folder: string
  /** As `kill -9` does. What the disk has is still there for the next with the same `folder`. */
  kill(): Promise<void>
}

export interface RedisServerOptions {
  port?: number
  /** What the disk has; kept by whoever names it. */
  folder?: string
  args?: readonly string[]
  /** The server takes TLS only: it is ready when it takes connections. */
  tls?: boolean
}

/**
 * A real Redis on loopback, without persistence unless `args` say so. It ends
 * with this process, however that ends: the shell around it sees its input
 * close.
 */
export async function startRedis({
  port,
  folder,
  args = [],
  tls = false,
}: RedisServerOptions = {}): Promise<RedisServer> {
  const own = folder ?? mkdtempSync(join(tmpdir(), 'runnel-redis-'))
  const listens = port ?? (await freePort(busPorts))
  const shell = spawn(
    'sh',
    [
      '-c',
      '"$@" >/dev/null 2>&1 & echo $!; read -r _; kill -9 $!; wait $!',
      'sh',
      programPath('Redis', 'RUNNEL_TEST_REDIS', ['redis-server']),
      tls ? '--tls-port' : '--port',
      String(listens),
      ...(tls ? ['--port', '0'] : []),
      '--bind',
      '127.0.0.1',
      '--dir',
      own,
      '--save',
      '',
      ...args,
    ],
    { stdio: ['pipe', 'pipe', 'ignore'] },
  )
  const exited = once(shell, 'exit')
  const [line] = (await once(shell.stdout, 'data')) as [Buffer]
  let killed: Promise<void> | undefined
  const kill = () =>
    (killed ??= (async () => {
      shell.stdin.end()
      await exited
      if (folder === undefined) rmSync(own, { recursive: true, force: true })
    })())
  const deadline = Date.now() + 10_000
  while (!(await answersPing(listens, tls))) {
    if (Date.now() > deadline) {
      await kill()
      throw new Error('redis-server did not start.')
    }
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
  return {
    url: `redis${tls ? 's' : ''}://127.0.0.1:${listens}`,
    port: listens,
    pid: Number(line.toString()),
    folder: own,
    kill,
  }
}

/** Commands on a connection of their own; returns what the last one is answered. */
export async function tellRedis(port: number, ...commands: string[]): Promise<string> {
  const socket = connect(port, '127.0.0.1')
  let replies: string[] = []
  let said = ''
  socket.write(commands.map((command) => `${command}\r\n`).join(''))
  while (replies.length < commands.length) {
    said += ((await once(socket, 'data')) as [Buffer])[0].toString()
    replies = said.split('\r\n').slice(0, -1)
  }
  socket.destroy()
  return replies.at(-1)!
}

/** True once it serves: a server that is loading says so instead. With TLS: once it takes connections. */
function answersPing(port: number, tls: boolean): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1', () => {
      if (tls) end(true)
      else socket.write('PING\r\n')
    })
    const end = (answers: boolean) => {
      socket.destroy()
      resolve(answers)
    }
    socket.on('data', (data: Buffer) => end(data.toString() === '+PONG\r\n')).on('error', () => end(false))
  })
}
