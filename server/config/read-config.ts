/** Settings as they are given, checked: values, or everything that is wrong with them. */
import { basename, dirname, join } from 'node:path'
import { RunnelError } from '../../shared/errors.ts'
import { settings, type Config, type ConfigInput, type Row, type SecretName, type SettingName } from './config.ts'
import { readSecretFile } from './secret-file.ts'
import { isLoopback, isPostgres, parseSetting } from './setting-values.ts'
import { whyNotWritable } from './writable.ts'

/**
 * Checks all settings at once. Throws `bad_request` with every fault in its
 * message, `otherFaults` too. `ownLogin`: the program has a login of its own.
 */
export function loadConfig(input: ConfigInput, ownLogin = false, otherFaults: readonly string[] = []): Config {
  const { config, faults } = readSettings(input, ownLogin)
  refuseFaults([...otherFaults, ...faults])
  return config as Config
}

/** What is wrong with settings, a line each. */
export function settingFaults(input: ConfigInput, ownLogin: boolean): string[] {
  return readSettings(input, ownLogin).faults
}

/** Throws `bad_request` where there are any. */
export function refuseFaults(faults: readonly string[], place?: string): void {
  if (faults.length > 0)
    throw new RunnelError(
      'bad_request',
      `The configuration${place === undefined ? '' : ` (${place} and the environment)`} is wrong:\n  ${faults.join('\n  ')}`,
    )
}

/** Is it known who calls? Otherwise everybody is the one local user. */
export function signsIn(
  config: Pick<Config, 'RUNNEL_AUTH_SECRET' | 'RUNNEL_AUTH_JWKS_URL'>,
  ownLogin = false,
): boolean {
  return ownLogin || config.RUNNEL_AUTH_SECRET !== undefined || config.RUNNEL_AUTH_JWKS_URL !== undefined
}

interface Found {
  config: Partial<Config>
  faults: string[]
}

function readSettings(input: ConfigInput, ownLogin: boolean): Found {
  const faults: string[] = []
  const values: Record<string, unknown> = {}
  for (const [name, row] of Object.entries(settings) as [SettingName, Row][]) {
    const given = row.secret ? givenSecret(input, name as SecretName) : givenValue(input, name)
    if ('fault' in given) {
      faults.push(given.fault)
      continue
    }
    const value = given.value ?? row.default
    if (value === undefined) continue
    const parsed = parseSetting(row.schema, value)
    if (parsed.success) values[name] = parsed.data
    else {
      const reasons = parsed.error.issues.map((issue) => issue.message).join('; ')
      faults.push(`${name}: ${reasons}${row.secret ? '' : ` (it is "${withoutLogin(value)}")`}`)
    }
  }
  const config = values as Partial<Config>
  return { config, faults: [...faults, ...timerFaults(values), ...faultsTogether(config, ownLogin)] }
}

type Given = { value: string | undefined } | { fault: string }

function givenValue(input: ConfigInput, name: SettingName): Given {
  const given: unknown = input[name]
  if (given === undefined || given === '') return { value: undefined }
  if (Array.isArray(given)) return { value: given.join(',') }
  if (typeof given === 'string' || typeof given === 'number') return { value: String(given) }
  return { fault: `${name}: must be text, a number or a list` }
}

function givenSecret(input: ConfigInput, name: SecretName): Given {
  const file = input[`${name}_FILE`]
  if (file === undefined || file === '') return givenValue(input, name)
  if (input[name] !== undefined && input[name] !== '') return { fault: `${name}, ${name}_FILE: set one of the two` }
  const read = typeof file === 'string' ? readSecretFile(file) : { fault: 'must be the path of a file' }
  return 'fault' in read ? { fault: `${name}_FILE: ${read.fault}` } : read
}

/** Node's timers go off at once where they are to wait for longer. */
const longestTimerMs = 2 ** 31 - 1

function timerFaults(values: Readonly<Record<string, unknown>>): string[] {
  return Object.entries(values).flatMap(([name, value]) =>
    name.endsWith('_MS') && Number(value) > longestTimerMs
      ? [`${name}: must be ${longestTimerMs} or less (it is "${String(value)}")`]
      : [],
  )
}

/** Settings that are right by themselves and do not go together, or not with this machine. */
function faultsTogether(config: Partial<Config>, ownLogin: boolean): string[] {
  const faults: string[] = []
  const { HOST: host, PORT: port, RUNNEL_METRICS_PORT: metricsPort, DATABASE_URL: databaseUrl } = config
  if (config.REDIS_URL !== undefined && databaseUrl !== undefined && !isPostgres(databaseUrl)) {
    faults.push('REDIS_URL: several machines need one database, DATABASE_URL=postgres://…')
  }
  if (config.RUNNEL_AUTH_SECRET !== undefined && config.RUNNEL_AUTH_JWKS_URL !== undefined) {
    faults.push('RUNNEL_AUTH_SECRET, RUNNEL_AUTH_JWKS_URL: set one of the two')
  }
  if (host !== undefined && !isLoopback(host) && !signsIn(config as Config, ownLogin)) {
    faults.push(
      `HOST: ${host} is not loopback, and without sign-in (RUNNEL_AUTH_SECRET or RUNNEL_AUTH_JWKS_URL) only loopback is served`,
    )
  }
  if (metricsPort !== undefined && metricsPort !== 0 && metricsPort === port) {
    faults.push(`RUNNEL_METRICS_PORT: ${metricsPort} is PORT already`)
  }
  if (databaseUrl !== undefined) faults.push(...folderFaults(config as Config))
  return faults
}

function folderFaults(config: Config): string[] {
  const { DATABASE_URL: url, RUNNEL_FILES_DIR: folder } = config
  const places: [name: SettingName, folder: string | undefined][] = [
    ['DATABASE_URL', url.startsWith('sqlite:') ? dirname(url.slice('sqlite:'.length)) : undefined],
    // Not set it is beside the database.
    ['RUNNEL_FILES_DIR', folder === undefined && !isPostgres(url) ? undefined : filesFolder(config)],
  ]
  return places.flatMap(([name, place]) => {
    const reason = place === undefined ? undefined : whyNotWritable(place)
    return reason === undefined ? [] : [`${name}: ${reason}`]
  })
}

/** An address may have a name and a password in it. */
function withoutLogin(value: string): string {
  return value.replaceAll(/\/\/[^/@\s]*@/g, '//…@')
}

/** Where attached files are: each database has a folder of its own. Undefined: nowhere that lasts. */
export function filesFolder({ DATABASE_URL: url, RUNNEL_FILES_DIR: folder }: Config): string | undefined {
  if (url === 'memory:') return undefined
  if (isPostgres(url)) return folder ?? join('data', `${basename(new URL(url).pathname) || 'postgres'}-files`)
  const path = url.slice('sqlite:'.length)
  const name = basename(path)
  return folder ?? join(dirname(path), name === 'runnel.db' ? 'files' : `${name}-files`)
}
/** The table that `--help` prints. */
export function describeSettings(): string {
  const rows = Object.entries(settings) as [string, Row][]
  const width = Math.max(...rows.map(([name]) => name.length))
  return rows
    .map(
      ([name, row]) =>
        `  ${name.padEnd(width)}  ${row.meaning}${row.default === undefined ? '' : ` (default ${row.default})`}`,
    )
    .join('\n')
}
