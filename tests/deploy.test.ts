/** What deploy/ gives each container, read as Docker reads it. Docker itself is not run here. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, onTestFinished, test } from 'vitest'
import { parse } from 'yaml'
import { loadConfig } from '../server/config/read-config.ts'
import { nodesExample, example } from './helpers/nginx.ts'
import { freePort, programPath } from './helpers/programs.ts'

const read = (file: string) => readFileSync(fileURLToPath(new URL(`../deploy/${file}`, import.meta.url)), 'utf8')

interface Service {
  image: string
  command?: string | string[]
  user?: string
  environment?: Record<string, unknown>
  volumes?: string[]
  tmpfs?: string[]
  ports?: string[]
  [key: string]: unknown
}
const { services, volumes } = parse(read('compose.yaml'), { merge: true }) as {
  services: Record<string, Service>
  volumes: object
}
const all = Object.entries(services)

test('these are all', () => {
  expect(Object.keys(services)).toEqual(['node1', 'node2', 'node3', 'nginx', 'redis', 'postgres'])
  expect(new Set(all.flatMap(([, service]) => service.volumes ?? []).map((volume) => volume.split(':')[0]))).toEqual(
    new Set([...Object.keys(volumes), './nginx-nodes.conf']),
  )
})

test.each(all)('%s is confined: nothing to write on, no rights, an end to its memory', (_name, service) => {
  expect(service).toMatchObject({
    read_only: true,
    cap_drop: ['ALL'],
    security_opt: ['no-new-privileges:true'],
    mem_limit: expect.stringMatching(/^\d+[mg]$/),
    pids_limit: expect.any(Number),
    restart: 'unless-stopped',
  })
  expect(service).not.toHaveProperty('privileged')
  expect(service).not.toHaveProperty('cap_add')
  expect(service.tmpfs).toContain('/tmp')
})

test.each(all)('%s is not root', (_name, { image, user }) => {
  if (image.startsWith('runnel:')) expect(read('Dockerfile')).toMatch(/^USER node$/m)
  else expect(user).toMatch(/^[1-9]\d*:[1-9]\d*$/)
})

test('every image has an exact version', () => {
  const named = [
    ...all.map(([, { image }]) => image),
    ...[...read('Dockerfile').matchAll(/^FROM (\S+)/gm)].map(([, one]) => one!),
  ]
  for (const image of named) expect(image).toMatch(/^[a-z]+:\d+\.\d+(\.\d+)?(-[a-z]+)*$/)
  const { version } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8'))
  expect(services['node1']!.image).toBe(`runnel:${version}`)
})

test('only the balancer is reached from outside, and no command line has a secret', () => {
  expect(all.filter(([, { ports }]) => ports).map(([name]) => name)).toEqual(['nginx'])
  for (const [name, { command, healthcheck }] of all)
    expect(JSON.stringify([command, healthcheck]), name).not.toMatch(/\$\{\w*(PASSWORD|SECRET|KEY)/)
})

test(
  'Redis as it is started there wants the password, and its command line has none',
  { timeout: 20_000 },
  async () => {
    const folder = mkdtempSync(join(tmpdir(), 'runnel-deploy-'))
    const port = await freePort()
    const [shell, flag, script] = services['redis']!.command as string[]
    // As compose reads it; the rest makes it fit beside others on this machine.
    const words = script!
      .replaceAll('$$', '$')
      .replaceAll('/tmp/redis.conf', join(folder, 'redis.conf'))
      .replace('exec redis-server', `exec ${programPath('Redis', 'RUNNEL_TEST_REDIS', ['redis-server'])}`)
    const child = spawn(shell!, [flag!, `${words} --bind 127.0.0.1 --port ${port} --dir ${folder}`], {
      env: { ...process.env, REDISCLI_AUTH: 'a passw0rd' },
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    const exited = once(child, 'exit')
    onTestFinished(async () => {
      child.kill('SIGTERM')
      await exited
      rmSync(folder, { recursive: true, force: true })
    })
    for await (const data of child.stdout) if (String(data).includes('Ready to accept connections')) break
    child.stdout.resume()
    const say = async (line: string) => {
      const socket = connect(port, '127.0.0.1')
      socket.write(line)
      const [answer] = (await once(socket, 'data')) as [Buffer]
      socket.destroy()
      return String(answer)
    }
    expect(await say('PING\r\n')).toMatch(/^-NOAUTH/)
    expect(await say('AUTH "a passw0rd"\r\n')).toBe('+OK\r\n')
    expect(readFileSync(`/proc/${child.pid}/cmdline`, 'utf8')).toMatch(/redis-server/)
    expect(readFileSync(`/proc/${child.pid}/cmdline`, 'utf8')).not.toContain('passw0rd')
    expect(statSync(join(folder, 'redis.conf')).mode & 0o077).toBe(0)
  },
)

test.each([
  ['nginx.conf', example],
  ['nginx-nodes.conf', nodesExample],
])('%s lets through what Runnel takes, and no more', (_file, conf) => {
  const defaults = loadConfig({ DATABASE_URL: 'memory:' })
  const sizes = [...conf.matchAll(/client_max_body_size (\d+)m;/g)].map(([, size]) => Number(size) * 2 ** 20)
  const [body, file, door] = sizes
  expect(sizes).toHaveLength(3)
  expect(door).toBeGreaterThan(defaults.RUNNEL_MAX_DOOR_BODY_BYTES)
  expect(body).toBeGreaterThan(defaults.RUNNEL_MAX_BODY_BYTES)
  expect(file).toBeGreaterThan(defaults.RUNNEL_MAX_FILE_BYTES + 65_536)
  expect(file).toBeLessThan(1.2 * defaults.RUNNEL_MAX_FILE_BYTES)
  expect(conf.slice(conf.indexOf('location = /api/files {')).split('}')[0]).toContain('client_max_body_size')
  const [, zone, connections] = /limit_conn (\w+) (\d+);/.exec(conf)!
  expect(conf).toContain(`limit_conn_zone $binary_remote_addr zone=${zone}:`)
  expect(Number(connections)).toBeGreaterThan(2 * defaults.RUNNEL_MAX_SOCKETS_PER_ADDRESS)
})
