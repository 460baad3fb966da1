// Servers and programs that the tests use and npm does not bring. Each is one row.
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
]

/** Installs from Debian what is missing, said aloud first; where that cannot be, says what to install. */
export async function ensureNeeds() {
  const missing = () => NEEDS.filter((need) => !found(need))
  if (missing().length === 0) return

  const names = missing()
    .map((need) => need.name)
    .join(', ')
  const packages = missing()
    .flatMap((need) => need.packages)
    .join(' ')
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
  return [...(process.env.PATH ?? '').split(delimiter), '/usr/sbin', ...postgresFolders()].some((folder) => {
    try {
      accessSync(join(folder, program), constants.X_OK)
      return true
    } catch {
      return false
    }
  })
}

// Debian has one for each version. (globSync is not in every Node that may start this.)
function postgresFolders() {
  const versions = '/usr/lib/postgresql'
  return existsSync(versions) ? readdirSync(versions).map((version) => join(versions, version, 'bin')) : []
}
