/** Settings as they are given, checked: values, or everything that is wrong with them. */
import { basename, dirname, join } from 'node:path'
import { RunnelError } from '../shared/errors.ts'
import { settings, type Config, type ConfigInput, type Row, type SettingName } from './config.ts'
import { isLoopback, isPostgres } from './setting-values.ts'

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

function readSettings(input: ConfigInput, ownLogin: boolean): { config: Partial<Config>; faults: string[] } {
  const faults: string[] = []
  const values: Record<string, unknown> = {}
  for (const [name, row] of Object.entries(settings) as [SettingName, Row][]) {
    const given = input[name]
    const value =
      given === undefined || given === '' ? row.default : Array.isArray(given) ? given.join(',') : String(given)
    if (value === undefined) continue
    const parsed = row.schema.safeParse(value)
    if (parsed.success) values[name] = parsed.data
    else
      faults.push(
        `${name}: ${parsed.error.issues.map((issue) => issue.message).join('; ')}${row.secret ? '' : ` (it is "${value}")`}`,
      )
  }
  const config = values as { -readonly [Name in SettingName]?: Config[Name] }
  if (config.REDIS_URL !== undefined && !isPostgres(String(config.DATABASE_URL))) {
    faults.push('REDIS_URL: several machines need one database, DATABASE_URL=postgres://…')
  }
  if (config.RUNNEL_AUTH_SECRET !== undefined && config.RUNNEL_AUTH_JWKS_URL !== undefined) {
    faults.push('RUNNEL_AUTH_SECRET, RUNNEL_AUTH_JWKS_URL: set one of the two')
  }
  const { HOST: host } = config
  if (host !== undefined && !isLoopback(host) && !signsIn(config as Config, ownLogin)) {
    faults.push(
      `HOST: ${host} is not loopback, and without sign-in (RUNNEL_AUTH_SECRET or RUNNEL_AUTH_JWKS_URL) only loopback is served`,
    )
  }
  return { config, faults }
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
