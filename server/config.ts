import { z } from 'zod'
import { RunnelError } from '../shared/errors.ts'

const text = z.string().trim().min(1)
const integer = (min: number) => z.coerce.number().int().min(min)
const list = text.transform(value => value.split(',').map(part => part.trim()).filter(part => part !== ''))

interface Row {
  schema: z.ZodType
  /** In the text form of an environment variable; undefined: not set. */
  default: string | undefined
  meaning: string
}

/** Every setting: its name, its default, its meaning. `--help` prints this table. */
export const settings = {
  HOST: { schema: text, default: '127.0.0.1', meaning: 'address to listen on; only loopback, as there is no sign-in' },
  PORT: { schema: integer(0).max(65_535), default: '8787', meaning: 'port to listen on; 0: any free one' },
  OPENAI_API_KEY: { schema: text, default: undefined, meaning: 'key of the provider; without key and base URL the demo provider answers' },
  OPENAI_BASE_URL: { schema: z.url(), default: undefined, meaning: 'base URL of any OpenAI-compatible server, ending in /v1 as a rule' },
  RUNNEL_MODEL: { schema: text, default: 'gpt-5-mini', meaning: 'model where a request names none' },
  RUNNEL_MODELS: { schema: list, default: undefined, meaning: 'models that requests may name, by commas; not set: any' },
  RUNNEL_OPENAI_API: { schema: z.enum(['auto', 'chat', 'responses']), default: 'auto', meaning: 'auto: Responses for api.openai.com, else Chat Completions' },
  RUNNEL_SYSTEM_PROMPT: { schema: text, default: undefined, meaning: 'system prompt of every chat' },
  DATABASE_URL: { schema: z.string().regex(/^(sqlite:.+|memory:)$/, 'must be sqlite:<path> or memory:'), default: 'sqlite:./data/runnel.db', meaning: 'store: sqlite:<path> or memory:' },
  RUNNEL_ALLOWED_ORIGINS: { schema: list, default: undefined, meaning: 'origins of pages that may call, by commas; not set: only the server\'s own' },
  RUNNEL_FLUSH_MS: { schema: integer(1).max(250), default: '40', meaning: 'ms between two writes of growing text' },
  RUNNEL_HEARTBEAT_MS: { schema: integer(10), default: '15000', meaning: 'ms between two pings of a socket' },
  RUNNEL_HEARTBEAT_TIMEOUT_MS: { schema: integer(20), default: '20000', meaning: 'ms without any frame after which a viewer is gone' },
  RUNNEL_VIEWER_HIGH_WATER_BYTES: { schema: integer(1024), default: '1000000', meaning: 'bytes that may wait for a slow viewer before it is skipped until it has drained' },
  RUNNEL_VIEWER_STALL_MS: { schema: integer(10), default: '60000', meaning: 'ms without progress after which a lagging viewer is closed' },
  RUNNEL_CATCHUP_MAX_BYTES: { schema: integer(1), default: '64000000', meaning: 'bytes of state differences pending in the whole process; more wait in line' },
  RUNNEL_PROVIDER_IDLE_MS: { schema: integer(10), default: '60000', meaning: 'ms without a byte after which a provider is given up' },
  RUNNEL_TASK_MAX_MS: { schema: integer(10), default: '1800000', meaning: 'ms that a run may take' },
  RUNNEL_MAX_MESSAGE_BYTES: { schema: integer(1), default: '10000000', meaning: 'bytes of text that one answer may have' },
  RUNNEL_MAX_HISTORY_CHARS: { schema: integer(1), default: undefined, meaning: 'characters of earlier turns that the provider gets; not set: all' },
  RUNNEL_MAX_TASKS_PER_USER: { schema: integer(1), default: '8', meaning: 'runs of one user at once; more wait as queued' },
  RUNNEL_MAX_TASKS: { schema: integer(1), default: '1000', meaning: 'runs at once in all; more wait as queued' },
  LOG_LEVEL: { schema: z.enum(['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent']), default: 'info', meaning: 'least level that is logged' },
} as const satisfies Record<string, Row>

type Settings = typeof settings
export type SettingName = keyof Settings
type Optional<Name extends SettingName> = Settings[Name]['default'] extends undefined ? undefined : never

export type Config = { readonly [Name in SettingName]: z.output<Settings[Name]['schema']> | Optional<Name> }

/** Settings as text (an environment) or as values; an empty text is not set. */
export type ConfigInput = { readonly [Name in SettingName]?: string | number | readonly string[] | undefined }

/** Checks all settings at once. Throws `bad_request` with every fault in its message. */
export function loadConfig(input: ConfigInput): Config {
  const faults: string[] = []
  const config: Record<string, unknown> = {}
  for (const [name, row] of Object.entries(settings) as [SettingName, Row][]) {
    const given = input[name]
    const value = given === undefined || given === '' ? row.default : Array.isArray(given) ? given.join(',') : String(given)
    if (value === undefined) continue
    const parsed = row.schema.safeParse(value)
    if (parsed.success) config[name] = parsed.data
    else faults.push(`${name}: ${parsed.error.issues.map(issue => issue.message).join('; ')} (it is "${value}")`)
  }
  const host = String(config.HOST)
  if (!isLoopback(host)) faults.push(`HOST: ${host} is not loopback, and without sign-in only loopback is served`)
  if (faults.length > 0) throw new RunnelError('bad_request', `The configuration is wrong:\n  ${faults.join('\n  ')}`)
  return config as Config
}

export function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || host === '[::1]' || /^127(\.\d{1,3}){3}$/.test(host)
}

/** The table that `--help` prints. */
export function describeSettings(): string {
  const rows = Object.entries(settings) as [string, Row][]
  const width = Math.max(...rows.map(([name]) => name.length))
  return rows.map(([name, row]) => `  ${name.padEnd(width)}  ${row.meaning}${row.default === undefined ? '' : ` (default ${row.default})`}`).join('\n')
}
