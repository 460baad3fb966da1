import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, delimiter, dirname, join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { run, Unready } from './child.mjs'
import { pathOutsideProject, projectNode, root, runsTypeScript } from './node.mjs'

const stampFile = join(root, 'node_modules/.cache/runnel/install')
// npm writes this file last: without it an install was interrupted.
const completeFile = join(root, 'node_modules/.package-lock.json')
// npm's own first wait is 10 s: without a network one would look at nothing for more than a minute.
const NPM_OPTIONS = [
  '--loglevel=error',
  '--no-audit',
  '--no-fund',
  '--include=dev',
  // One of them is the Node that the project runs on.
  '--include=optional',
  // Nothing here needs any: what is installed is what the hashes in package-lock.json say, and nothing of it runs meanwhile.
  '--ignore-scripts',
  '--fetch-retry-mintimeout=1000',
  '--fetch-retry-maxtimeout=5000',
]
const LOCK_POLL_MS = 200
const LOCK_WAIT_MS = 10 * 60_000
const UPDATE = ['install', '--no-save']
const UNREACHABLE =
  /\b(ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ECONNRESET|ETIMEDOUT|ENETUNREACH|EHOSTUNREACH|ERR_SOCKET_TIMEOUT)\b/

/** Installs what is missing; nothing if package-lock.json is what was installed here. Returns the Node to run the project with. */
export async function ensureInstalled() {
  const lock = readFileSync(join(root, 'package-lock.json'))
  const wanted = `${process.platform}-${process.arch} ${createHash('sha256').update(lock).digest('hex')}`
  if (isInstalled(wanted)) return projectNode()

  const release = await acquireLock()
  try {
    return await install(wanted)
  } finally {
    release()
  }
}

async function install(wanted) {
  if (isInstalled(wanted)) return projectNode()

  const fresh = projectNode() === null || !existsSync(completeFile)
  console.log(fresh ? 'Installing the packages, once …' : 'Bringing the packages up to date …')
  rmSync(stampFile, { force: true })
  const npm = npmProgram()
  await runNpm(npm, pathOutsideProject(), fresh ? ['ci'] : UPDATE)

  const node = projectNode()
  if (node === null) {
    throw new Unready(
      `Node 22.18 or newer is needed, and npm brought none for ${process.platform}-${process.arch}: install it and start again.`,
    )
  }
  // npm leaves out the binaries of bundler and linter whose `engines` do not fit the Node it runs on: fetch them with the new one.
  if (!(await runsOnNewNode(npm))) {
    const newNode = npm.script === null ? npm : { ...npm, command: node }
    await runNpm(newNode, [dirname(node), pathOutsideProject()].join(delimiter), UPDATE)
  }

  mkdirSync(dirname(stampFile), { recursive: true })
  writeFileSync(stampFile, wanted)
  return node
}

function isInstalled(wanted) {
  return projectNode() !== null && existsSync(stampFile) && readFileSync(stampFile, 'utf8') === wanted
}

/** `npm start` and `npm test` in two terminals must not install into one folder at the same time. */
async function acquireLock() {
  const file = join(tmpdir(), `runnel-install-${createHash('sha256').update(root).digest('hex').slice(0, 16)}`)
  for (let tries = 0; ; tries++) {
    try {
      writeFileSync(file, String(process.pid), { flag: 'wx' })
      return () => rmSync(file, { force: true })
    } catch (error) {
      if (error.code !== 'EEXIST') throw error
    }
    const owner = ownerOf(file)
    if (owner === null) rmSync(file, { force: true })
    else if (tries * LOCK_POLL_MS > LOCK_WAIT_MS)
      throw new Unready(`another install (process ${owner}) does not end; if there is none, remove ${file}.`)
    else if (tries === 0) console.log(`Waiting for another install here (process ${owner}) …`)
    await setTimeout(LOCK_POLL_MS)
  }
}

/** The process that holds the lock; null if it is gone. */
function ownerOf(file) {
  try {
    const pid = Number(readFileSync(file, 'utf8'))
    process.kill(pid, 0)
    return pid
  } catch {
    return null
  }
}

/** The npm that started this script, else the one on the PATH. */
function npmProgram() {
  const script = process.env.npm_execpath
  return script !== undefined && basename(script) === 'npm-cli.js'
    ? { command: process.env.npm_node_execpath ?? process.execPath, script }
    : { command: 'npm', script: null }
}

async function runsOnNewNode(npm) {
  const node = npm.script === null ? 'node' : npm.command
  const { output } = await run(node, ['-p', 'process.versions.node'], {
    quiet: true,
    env: { ...process.env, PATH: pathOutsideProject() },
  })
  return runsTypeScript(output.trim())
}

async function runNpm({ command, script }, PATH, args) {
  rmSync(completeFile, { force: true })
  let result
  try {
    result = await run(command, [...(script === null ? [] : [script]), ...args, ...NPM_OPTIONS], {
      cwd: root,
      env: { ...process.env, PATH },
      // npm is npm.cmd there, which only a shell runs.
      shell: script === null && process.platform === 'win32',
      quiet: true,
    })
  } catch (error) {
    if (error.code !== 'ENOENT') throw error
    throw new Unready('npm is not installed: install npm and start again.')
  }
  if (result.stopped || result.signal !== null) process.exit(130)
  if (result.code === 0) return

  const unreachable = UNREACHABLE.exec(result.output)
  if (unreachable !== null)
    throw new Unready(`the package registry cannot be reached (${unreachable[0]}): check the network and start again.`)
  console.error(result.output.trim())
  throw new Unready(`npm ${args[0]} failed (its words are above).`)
}
