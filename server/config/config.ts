import { z } from 'zod'
import {
  database,
  integer,
  isThinkTag,
  list,
  networks,
  origins,
  pageUrl,
  redisNodes,
  text,
  webUrl,
} from './setting-values.ts'

export interface Row {
  schema: z.ZodType
  /** In the text form of an environment variable; undefined: not set. */
  default: string | undefined
  meaning: string
  /** Never repeated, not even where it is wrong. May stand in a file that `<name>_FILE` names. */
  secret?: true
}

/** Every setting: its name, its default, its meaning. `--help` prints this table. */
export const settings = {
  HOST: { schema: text, default: '127.0.0.1', meaning: 'address to listen on; only loopback while nobody signs in' },
  RUNNEL_BASE_PATH: {
    schema: z
      .string()
      .regex(/^(\/[\w.~-]+)*\/?$/, 'must be a path such as /chat')
      .transform((path) => path.replace(/\/$/, '')),
    default: '/',
    meaning: 'path below which all is served, as callers see it: a proxy in front leaves it in the address',
  },
  PORT: { schema: integer(0).max(65_535), default: '8787', meaning: 'port to listen on; 0: any free one' },
  OPENAI_API_KEY: {
    schema: text,
    default: undefined,
    secret: true,
    meaning: 'key of the provider; without key and base URL the demo provider answers',
  },
  OPENAI_BASE_URL: {
    schema: webUrl,
    default: undefined,
    meaning: 'base URL of any OpenAI-compatible server, ending in /v1 as a rule',
  },
  RUNNEL_MODEL: { schema: text, default: 'gpt-5-mini', meaning: 'model where a request names none' },
  RUNNEL_MODELS: {
    schema: list,
    default: undefined,
    meaning: 'models that requests may name, by commas, also with *; not set: any',
  },
  RUNNEL_OPENAI_API: {
    schema: z.enum(['auto', 'chat', 'responses']),
    default: 'auto',
    meaning: 'auto: Responses for api.openai.com, else Chat Completions',
  },
  RUNNEL_TITLES: {
    schema: text,
    default: 'off',
    meaning:
      'on: the model that answers first gives a chat its title, where nobody has given one; or the name of another model for that; off: nobody does',
  },
  RUNNEL_ALLOWED_PARAMS: {
    schema: list,
    default: undefined,
    meaning: 'parameters that requests may give, by commas; not set: any but those that the server decides',
  },
  RUNNEL_PROVIDER_TOOLS: {
    schema: z.stringbool(),
    default: 'off',
    meaning: 'on: requests may bring tools that the provider runs (searches, containers, MCP servers)',
  },
  RUNNEL_SYSTEM_PROMPT: { schema: text, default: undefined, meaning: 'system prompt of every chat' },
  DATABASE_URL: {
    schema: database,
    default: 'sqlite:./data/runnel.db',
    secret: true,
    meaning: 'store: sqlite:<path>, postgres://<user>:<password>@<host>/<database> or memory:',
  },
  REDIS_URL: {
    schema: redisNodes,
    default: undefined,
    secret: true,
    meaning:
      'Redis that connects several machines, redis:// or rediss://; several by commas, or one with ?cluster: a Redis Cluster; not set: one machine',
  },
  RUNNEL_AUTH_SECRET: {
    schema: z.string().min(32, 'must have 32 characters or more'),
    default: undefined,
    secret: true,
    meaning: 'sign-in by JSON Web Tokens, HS256 with this secret',
  },
  RUNNEL_AUTH_JWKS_URL: {
    schema: webUrl,
    default: undefined,
    meaning: 'sign-in by JSON Web Tokens with the keys of this JWKS',
  },
  RUNNEL_AUTH_ALGORITHMS: {
    schema: list.refine(
      (names) => names.every((name) => /^(RS|PS|ES)(256|384|512)$|^EdDSA$/.test(name)),
      'must be asymmetric algorithms',
    ),
    default: 'RS256,ES256,EdDSA',
    meaning: 'algorithms of tokens signed by the JWKS, by commas',
  },
  RUNNEL_AUTH_ISSUER: { schema: text, default: undefined, meaning: 'iss that a token must have' },
  RUNNEL_AUTH_AUDIENCE: { schema: text, default: undefined, meaning: 'aud that a token must have' },
  RUNNEL_AUTH_MODELS_CLAIM: {
    schema: text,
    default: undefined,
    meaning:
      'claim of a token that lists the models its user may ask, names or patterns with *; a token without it: all',
  },
  RUNNEL_LOGIN_URL: {
    schema: pageUrl,
    default: undefined,
    meaning: 'page where people sign in, an address or a path; it leads back to the page with #token=…',
  },
  RUNNEL_GUEST_MODELS: {
    schema: list,
    default: undefined,
    meaning:
      'models that guests of an invite may ask, by commas, also with *; not set: all, or with RUNNEL_AUTH_MODELS_CLAIM that of RUNNEL_MODEL',
  },
  RUNNEL_TRUST_PROXY: {
    schema: networks,
    default: undefined,
    meaning:
      'addresses or networks of proxies whose X-Forwarded-… counts, by commas; also loopback, linklocal, uniquelocal',
  },
  RUNNEL_ALLOWED_ORIGINS: {
    schema: origins,
    default: undefined,
    meaning: "origins of pages that may call, by commas; not set: only the server's own",
  },
  RUNNEL_FLUSH_MS: { schema: integer(1).max(250), default: '40', meaning: 'ms between two writes of growing text' },
  RUNNEL_HEARTBEAT_MS: {
    // Clients are told it, and set a timer of twice as long.
    schema: integer(10).max(2 ** 30),
    default: '15000',
    meaning: 'ms between two pings of a socket, or two comments on a silent event stream',
  },
  RUNNEL_HEARTBEAT_TIMEOUT_MS: {
    schema: integer(20),
    default: '20000',
    meaning: 'ms without any frame after which a viewer is gone',
  },
  RUNNEL_VIEWER_HIGH_WATER_BYTES: {
    schema: integer(1024),
    default: '1000000',
    meaning: 'bytes that may wait for a slow viewer before it is skipped until it has drained',
  },
  RUNNEL_VIEWER_STALL_MS: {
    schema: integer(10),
    default: '60000',
    meaning: 'ms without progress after which a lagging viewer is closed',
  },
  RUNNEL_CATCHUP_MAX_BYTES: {
    schema: integer(1),
    default: '64000000',
    meaning: 'bytes of state differences pending in the whole process; more wait in line',
  },
  RUNNEL_MAX_PRESENCE_BYTES: {
    schema: integer(1),
    default: '4096',
    meaning: 'bytes of what one viewer may say of itself to the others in a chat',
  },
  RUNNEL_PROVIDER_IDLE_MS: {
    schema: integer(10),
    default: '60000',
    meaning: 'ms without a byte after which a provider is given up',
  },
  RUNNEL_PROVIDER_COMMENT_MS: {
    schema: integer(10),
    default: '300000',
    meaning: 'ms of nothing but signs of life (comments, pings) after which a provider is given up',
  },
  RUNNEL_THINK_TAGS: {
    schema: list.refine((tags) => tags.every(isThinkTag), 'must be opening tags such as <think> or [THINK]'),
    default: '<think>,<thinking>,<thought>,[THINK]',
    meaning:
      'tags that open thoughts in a text of Chat Completions, by commas; the closing tag has a / behind the bracket',
  },
  RUNNEL_TASK_MAX_MS: { schema: integer(10), default: '1800000', meaning: 'ms that a run may take' },
  RUNNEL_TOOL_MAX_MS: { schema: integer(1), default: '120000', meaning: 'ms that a call of a tool may take' },
  RUNNEL_APPROVAL_MAX_MS: {
    schema: integer(1),
    default: '86400000',
    meaning: 'ms that a call may wait for a person or a client',
  },
  RUNNEL_MAX_TOOL_ROUNDS: { schema: integer(0), default: '16', meaning: 'rounds of calls that one run may make' },
  RUNNEL_MAX_TOOL_OUTPUT_BYTES: { schema: integer(1), default: '1000000', meaning: 'bytes that one call may give' },
  RUNNEL_FILTER_MAX_MS: {
    schema: integer(1),
    default: '10000',
    meaning: 'ms that a filter may hold up an answer; those of preparing may take what the run may',
  },
  RUNNEL_ON_MESSAGE_END_MAX_MS: {
    schema: integer(1),
    default: '30000',
    meaning: 'ms that a call of onMessageEnd may take before it counts as failed',
  },
  RUNNEL_CONTINUE_BY: {
    schema: z.enum(['instruction', 'assistant', 'prefix']),
    default: 'instruction',
    meaning:
      'how a model is told to go on with an answer: in words, by the answer as the last message, or by that marked as a prefix',
  },
  RUNNEL_STRICT_TURNS: {
    schema: z.stringbool(),
    default: 'off',
    meaning:
      'on: the system prompt goes first, and neighbours of one role as one message, for models whose template demands turns',
  },
  RUNNEL_SEND_REASONING: {
    schema: z.enum(['run', 'calls', 'all']),
    default: 'run',
    meaning:
      'which unsigned reasoning goes back to the model that it came from: that of calls of the same run, of all calls, of all answers',
  },
  RUNNEL_MAX_MESSAGE_BYTES: {
    schema: integer(1),
    default: '10000000',
    meaning: 'bytes of text that one answer may have',
  },
  RUNNEL_MAX_CHAT_MESSAGES: {
    schema: integer(2),
    default: '20000',
    meaning: 'messages that one chat may have, questions, answers and those that were deleted together',
  },
  RUNNEL_FILES_DIR: {
    schema: text,
    default: undefined,
    meaning:
      'folder of attached files; not set: beside the database, files for runnel.db, else its name with -files; with Postgres its name with -files in ./data; with DATABASE_URL memory: a temporary one, removed at the end',
  },
  RUNNEL_MAX_FILE_BYTES: { schema: integer(1), default: '20000000', meaning: 'bytes that one file may have' },
  RUNNEL_MAX_UNATTACHED_FILES: {
    schema: integer(1),
    default: '50',
    meaning: 'files of one user that no message has; they go after a day',
  },
  RUNNEL_MAX_FILE_BYTES_PER_USER: {
    schema: integer(1),
    default: '5000000000',
    meaning: 'bytes of all files of one user; guests of one invite are one user',
  },
  RUNNEL_MAX_FILES_PER_USER: { schema: integer(1), default: '10000', meaning: 'files of one user' },
  RUNNEL_MAX_FILE_BYTES_PER_CHAT: {
    schema: integer(1),
    default: '2000000000',
    meaning: 'bytes of all files of one chat, whoever sent or made them',
  },
  RUNNEL_MAX_FILES_PER_CHAT: { schema: integer(1), default: '2000', meaning: 'files of one chat' },
  RUNNEL_MAX_FILE_BYTES_PER_REQUEST: {
    schema: integer(1),
    default: '20000000',
    meaning:
      'bytes of attached images and texts that one request to a provider encloses, the newest first; the others are named',
  },
  RUNNEL_MAX_CHATS_PER_USER: { schema: integer(1), default: '10000', meaning: 'chats that one user owns' },
  RUNNEL_MAX_UNLISTED_CHATS_PER_USER: {
    schema: integer(1),
    default: '20000',
    meaning: 'chats that one user has made by /v1 within a day; each goes after 24 hours',
  },
  RUNNEL_MAX_HISTORY_CHARS: {
    schema: integer(1),
    default: undefined,
    meaning: 'characters of earlier turns that the provider gets; not set: all',
  },
  RUNNEL_MAX_TASKS_PER_USER: {
    schema: integer(1),
    default: '8',
    meaning: 'runs of one user at once; more wait as queued',
  },
  RUNNEL_MAX_TASKS: { schema: integer(1), default: '1000', meaning: 'runs at once in all; more wait as queued' },
  RUNNEL_MAX_QUEUED_TASKS_PER_USER: {
    schema: integer(1),
    default: '100',
    meaning: 'runs of one user that may wait as queued',
  },
  RUNNEL_MAX_WAITING_PER_CHAT: {
    schema: integer(1).max(100),
    default: '20',
    meaning: 'messages that may wait in one chat until the answer before them has ended',
  },
  RUNNEL_MAX_WAITING_PER_USER: {
    schema: integer(1),
    default: '100',
    meaning: 'messages of one user that may wait so, in all chats',
  },
  RUNNEL_MAX_BODY_BYTES: { schema: integer(1024), default: '1000000', meaning: 'bytes of a request body' },
  RUNNEL_MAX_DOOR_BODY_BYTES: {
    schema: integer(1024),
    default: '50000000',
    meaning: 'bytes of a request body at /v1; four times that of one user at once',
  },
  RUNNEL_MAX_REQUESTS_PER_MINUTE: {
    schema: integer(1),
    default: '1200',
    meaning: 'requests a minute of one user, and of one address from which nobody has signed in',
  },
  RUNNEL_MAX_CONNECTIONS: {
    schema: integer(1),
    default: '20000',
    meaning: 'connections of any kind; more are closed unanswered',
  },
  RUNNEL_MAX_CONNECTIONS_PER_ADDRESS: {
    schema: integer(1),
    default: '2000',
    meaning: 'connections from one address that are no sockets; of what a trusted proxy forwards, requests at once',
  },
  RUNNEL_MAX_PENDING_ANSWER_BYTES: {
    schema: integer(1),
    default: '128000000',
    meaning: 'bytes of HTTP answers that callers have not taken yet, in all; a quarter of them for one address',
  },
  RUNNEL_REQUEST_HEAD_MS: {
    schema: integer(10),
    default: '10000',
    meaning: 'ms that the head of a request may take, from the connection or from its first byte',
  },
  RUNNEL_REQUEST_MS: { schema: integer(10), default: '120000', meaning: 'ms that a request with its body may take' },
  RUNNEL_MAX_SOCKETS_PER_USER: { schema: integer(1), default: '100', meaning: 'sockets and event streams of one user' },
  RUNNEL_MAX_SOCKETS_PER_ADDRESS: {
    schema: integer(1),
    default: '10000',
    meaning: 'sockets and event streams from one address, or one IPv6 network of /64',
  },
  RUNNEL_MAX_UPGRADES_PER_MINUTE: {
    schema: integer(1),
    default: '600',
    meaning: 'sockets that one user may open in a minute, and one address on which nobody signs in',
  },
  RUNNEL_MAX_UNAUTHENTICATED_SOCKETS: {
    schema: integer(1),
    default: '1000',
    meaning: 'sockets on which nobody has signed in yet, in all',
  },
  RUNNEL_MAX_UNAUTHENTICATED_SOCKETS_PER_ADDRESS: {
    schema: integer(1),
    default: '100',
    meaning: 'sockets on which nobody has signed in yet, from one address',
  },
  RUNNEL_MAX_UNAUTHENTICATED_BYTES: {
    schema: integer(1024),
    default: '131072',
    meaning: 'bytes that a socket may send before it is signed in',
  },
  RUNNEL_HELLO_MS: { schema: integer(10), default: '10000', meaning: 'ms that a socket has to sign in' },
  RUNNEL_MAX_FRAME_BYTES: {
    schema: integer(1024),
    default: '262144',
    meaning: 'bytes of one message on a socket from a client',
  },
  RUNNEL_MAX_SOCKET_REQUESTS_PER_MINUTE: {
    schema: integer(1),
    default: '3000',
    meaning: 'messages, pings and documents asked for on one socket in a minute',
  },
  RUNNEL_MAX_SUBSCRIPTIONS: { schema: integer(1), default: '500', meaning: 'documents that one socket may follow' },
  RUNNEL_MAX_STATE_VECTOR_BYTES: {
    schema: integer(64),
    default: '65536',
    meaning: 'bytes of a state vector from a client',
  },
  RUNNEL_METRICS_PORT: {
    schema: integer(0).max(65_535),
    default: undefined,
    meaning: 'port for GET /metrics on HOST, 0: any free one; not set: none',
  },
  RUNNEL_STORE_PATIENCE_MS: {
    schema: integer(0),
    default: '30000',
    meaning: 'ms that what has begun (a run, an approval, Continue, a file) waits for a Postgres or Redis that is away',
  },
  RUNNEL_LEASE_MS: {
    schema: integer(100),
    default: '10000',
    meaning: 'ms after which the runs of a node that gives no sign of life are taken over by others',
  },
  RUNNEL_ON_LOST_RUN: {
    schema: z.enum(['interrupt', 'continue']),
    default: 'interrupt',
    meaning: 'what becomes of a run whose server was lost: it ends as interrupted, or goes on by itself, once',
  },
  RUNNEL_DRAIN_MS: {
    schema: integer(0),
    default: '10000',
    meaning: 'ms that running answers have to end when the server is told to stop',
  },
  LOG_LEVEL: {
    schema: z.enum(['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent']),
    default: 'info',
    meaning: 'least level that is logged',
  },
} as const satisfies Record<string, Row>

type Settings = typeof settings
export type SettingName = keyof Settings
export type SecretName = { [Name in SettingName]: Settings[Name] extends { secret: true } ? Name : never }[SettingName]
type Optional<Name extends SettingName> = Settings[Name]['default'] extends undefined ? undefined : never

export type Config = { readonly [Name in SettingName]: z.output<Settings[Name]['schema']> | Optional<Name> }

/** Settings as text (an environment) or as values; an empty text is not set. A secret may stand in a file. */
export type ConfigInput = {
  readonly [Name in SettingName]?: string | number | readonly string[] | undefined
} & { readonly [Name in `${SecretName}_FILE`]?: string | undefined }
