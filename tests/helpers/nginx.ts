import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { tmpdir, userInfo } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { freePort, programPath } from './programs.ts'

/** The examples as they are delivered: for one server, for several nodes. */
export const example = read('nginx.conf')
export const nodesExample = read('nginx-nodes.conf')

/** In place of the thousands that the examples let one address have. */
export const connectionsAtMost = 60

export interface Nginx {
  url: string
  accessLog(): string
  close(): Promise<void>
}

/**
 * Starts nginx with the example, in a folder of its own: plain HTTP on a free
 * port (there is no certificate here), all timeouts divided by `scale`.
 * With several upstreams with the example for several nodes. Without `upgrades` the two lines
 * are left out by which WebSockets pass.
 */
export async function startNginx(
  upstream: string | readonly string[],
  scale: number,
  { upgrades = true }: { upgrades?: boolean } = {},
): Promise<Nginx> {
  const folder = mkdtempSync(join(tmpdir(), 'runnel-nginx-'))
  const port = await freePort()
  const conf =
    typeof upstream === 'string'
      ? adapt(example, { folder, port, upstreams: [new URL(upstream).host], scale })
      : adapt(nodesExample, { folder, port, upstreams: upstream.map((url) => new URL(url).host), scale })
  writeFileSync(join(folder, 'nginx.conf'), upgrades ? conf : withoutUpgrades(conf))
  mkdirSync(join(folder, 'temp'))
  const child = spawn(
    programPath('nginx', 'RUNNEL_TEST_NGINX', ['nginx']),
    ['-p', folder, '-c', 'nginx.conf', '-e', join(folder, 'error.log'), '-g', 'daemon off;'],
    { stdio: ['ignore', 'ignore', 'pipe'] },
  )
  let complaint = ''
  child.stderr.on('data', (data: Buffer) => {
    complaint += data.toString()
  })
  const exited = once(child, 'exit')
  const close = async () => {
    child.kill('SIGTERM')
    await exited
    rmSync(folder, { recursive: true, force: true })
  }
  const deadline = Date.now() + 10_000
  while (!(await takesConnections(port))) {
    if (child.exitCode !== null || Date.now() > deadline) {
      await close()
      throw new Error(`nginx did not start: ${complaint}`)
    }
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
  return { url: `http://127.0.0.1:${port}`, accessLog: () => readFileSync(join(folder, 'access.log'), 'utf8'), close }
}

/** Each change must find its place: an example that looks otherwise is not the one that is tested. */
function adapt(
  conf: string,
  { folder, port, upstreams, scale }: { folder: string; port: number; upstreams: readonly string[]; scale: number },
): string {
  const change = (from: RegExp, to: string) => {
    if (!from.test(conf)) throw new Error(`the example has nothing like ${from}`)
    conf = conf.replace(from, to)
  }
  change(/listen (443 ssl|8080);/, `listen 127.0.0.1:${port};`)
  if (upstreams.length === 1) change(/ *ssl_certificate .*;\n *ssl_certificate_key .*;\n/, '')
  for (const upstream of upstreams) change(/server (127\.0\.0\.1|node\d):8787/, `server ${upstream}`)
  change(/error_log .*;/, `error_log ${folder}/error.log;`)
  change(/access_log \S+ runnel;/, `access_log ${folder}/access.log runnel;`)
  change(/pid .*;/, `pid ${folder}/nginx.pid;${userInfo().uid === 0 ? ' user root;' : ''}`)
  change(/worker_processes auto;/, 'worker_processes 1;')
  change(
    /http \{/,
    `http {\n${['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map((name) => `  ${name}_temp_path ${folder}/temp/${name};`).join('\n')}`,
  )
  change(/limit_conn (\w+) \d+;/, `limit_conn $1 ${connectionsAtMost};`)
  return conf.replaceAll(
    /(_timeout )(\d+)(s|m);/g,
    (_all, name: string, count: string, unit: string) => `${name}${Math.round(milliseconds(count, unit) / scale)}ms;`,
  )
}

function withoutUpgrades(conf: string): string {
  const without = conf.replaceAll(/ *proxy_set_header (Upgrade|Connection) .*;\n/g, '')
  if (conf.split('\n').length - without.split('\n').length !== 2)
    throw new Error('the example has other lines for upgrades')
  return without
}

function read(name: string): string {
  return readFileSync(fileURLToPath(new URL(`../../deploy/${name}`, import.meta.url)), 'utf8')
}

export function milliseconds(count: string, unit: string): number {
  return Number(count) * (unit === 'm' ? 60_000 : 1_000)
}

function takesConnections(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1')
    socket.once('connect', () => {
      socket.destroy()
      resolve(true)
    })
    socket.once('error', () => resolve(false))
  })
}
