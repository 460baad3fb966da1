// Servers and programs that the tests use and npm does not bring. Each is one row; `part`: that part of `npm run
// test:wide` alone needs it, and nothing else.
import { accessSync, constants, existsSync, readdirSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { run, Unready } from './child.mjs'

const NEEDS = [
  {
    name: 'Chromium',
    packages: ['chromium'],
    programs: ['chromium', 'chromium-browser', 'google-chrome'],
    variable: 'RUNNEL_TEST_CHROMIUM',
  },
  { name: 'nginx', packages: ['nginx'], programs: ['nginx'], variable: 'RUNNEL_TEST_NGINX' },
  { name: 'Postgres', packages: ['postgresql'], programs: ['postgres'], variable: 'RUNNEL_TEST_POSTGRES' },
  { name: 'Redis', packages: ['redis-server'], programs: ['redis-server'], variable: 'RUNNEL_TEST_REDIS' },
  { name: 'OpenSSL', packages: ['openssl'], programs: ['openssl'], variable: 'RUNNEL_TEST_OPENSSL' },
  {
    name: 'Firefox',
    packages: ['firefox-esr'],
    programs: ['firefox-esr', 'firefox'],
    variable: 'RUNNEL_TEST_FIREFOX',
    part: 'engines',
  },
  {
    name: "WebKit's driver",
    packages: ['webkit2gtk-driver'],
    programs: ['WebKitWebDriver'],
    variable: 'RUNNEL_TEST_WEBKIT_DRIVER',
    part: 'engines',
  },
  // It comes with the library that the driver needs.
  {
    name: "WebKit's MiniBrowser",
    packages: ['webkit2gtk-driver'],
    programs: ['MiniBrowser'],
    variable: 'RUNNEL_TEST_MINIBROWSER',
    part: 'engines',
  },
  { name: 'Xvfb', packages: ['xvfb'], programs: ['Xvfb'], variable: 'RUNNEL_TEST_XVFB', part: 'engines' },
]

/**
 * Installs from Debian what is missing, said aloud first; where that cannot be, says what to install. `part`: for this
 * part of `npm run test:wide`. One without needs of its own has those of `npm test`.
 */
export async function ensureNeeds(part) {
  const own = NEEDS.filter((need) => part !== undefined && need.part === part)
  const needs = own.length > 0 ? own : NEEDS.filter((need) => need.part === undefined)
  const missing = () => needs.filter((need) => !found(need))
  if (missing().length === 0) return

  const names = missing()
    .map((need) => need.name)
    .join(', ')
  const packages = [...new Set(missing().flatMap((need) => need.packages))].join(' ')
  const install = `apt-get update && apt-get install -y --no-install-recommends ${packages}`
  const advice = `${names} missing: install it (Debian: ${install}), or name the program in ${missing()
    .map((need) => need.variable)
    .join(', ')}.`
  if (process.env.RUNNEL_TEST_NO_INSTALL === '1' || !debianRoot()) throw new Unready(advice)

  console.log(`The tests need ${names}. Installing it now: ${install}`)
  console.log('(RUNNEL_TEST_NO_INSTALL=1 forbids this.)')
  await run('sh', ['-c', install], { env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' } })
  if (missing().length > 0) throw new Unready(advice)
}

const debianRoot = () => existsSync('/etc/debian_version') && process.getuid?.() === 0 && onPath('apt-get')

const found = (need) => Boolean(process.env[need.variable]) || need.programs.some(onPath)

function onPath(program) {
  // Debian keeps servers where not every user's PATH looks.
  return [...(process.env.PATH ?? '').split(delimiter), '/usr/sbin', ...debianFolders()].some((folder) => {
    try {
      accessSync(join(folder, program), constants.X_OK)
      return true
    } catch {
      return false
    }
  })
}

// Debian keeps Postgres in a folder for each version, and MiniBrowser beside WebKit's libraries. (globSync is not in every
// Node that may start this.)
const debianFolders = () => [
  ...below('/usr/lib/postgresql').map((version) => join(version, 'bin')),
  ...below('/usr/lib').flatMap((folder) => below(folder).filter((inner) => /webkit\w*gtk-[^/]*$/.test(inner))),
]

function below(folder) {
  try {
    return readdirSync(folder).map((name) => join(folder, name))
  } catch {
    return []
  }
}
