import { RunnelError } from '../../shared/errors.ts'

/** By SQLSTATE, https://www.postgresql.org/docs/current/errcodes-appendix.html, or by its class (two characters). */
const sentences: Record<string, (where: string) => string> = {
  '08': (where) => `The connection to the database ${where} was lost.`,
  '28': (where) => `The database ${where} refuses this user. Check the user and the password in DATABASE_URL.`,
  '3D000': (where) => `There is no database ${where}. Make it, or set DATABASE_URL to another one.`,
  '25006': (where) =>
    `The database ${where} takes no writes, as a standby does. Set DATABASE_URL to the server that does.`,
  '40': (where) => `Too many writes at once changed the same rows of the database ${where}. Try again in a moment.`,
  '42501': (where) =>
    `This user may not make or use Runnel's tables in the database ${where}. Give it the right, or set DATABASE_URL to another user.`,
  '42P01': (where) => `Tables of Runnel are missing in the database ${where}. Restore them from a backup.`,
  '53': (where) =>
    `The database ${where} is out of disk, memory or connections. Runnel goes on when it has some again.`,
  '55P03': (where) => `Somebody else locks rows of the database ${where} for too long.`,
  '57014': (where) => `The database ${where} took too long.`,
  '57': (where) => `The database ${where} is going down or starting. Runnel goes on when it is there again.`,
  '58': (where) => `Reading or writing the database ${where} failed. Check the disk of its server.`,
  XX: (where) => `The database ${where} is damaged, or its server is at fault. Its log says more.`,
}

const refused = (code: string) => (where: string) =>
  `The database ${where} cannot be reached (${code}). Start it, or set DATABASE_URL to another one.`
const lost = sentences['08']!

/** What pg itself says, which has no code; `lost`: of a connection that is of no use any more. */
const ownWords: { words: RegExp; sentence: (where: string) => string; lost?: true }[] = [
  {
    words: /^timeout exceeded when trying to connect/,
    sentence: (where) => `All connections to the database ${where} are in use. Try again in a moment.`,
  },
  { words: /^Cannot use a pool/, sentence: (where) => `The database ${where} was closed.` },
  {
    words: /SSL|certificate|SASL|SCRAM/,
    sentence: (where) =>
      `Runnel and the database ${where} do not agree on TLS or sign-in. Check the password and sslmode in DATABASE_URL.`,
  },
  { words: /connection timeout/, sentence: refused('no answer'), lost: true },
  { words: /^Query read timeout/, sentence: (where) => `The database ${where} does not answer.`, lost: true },
  { words: /^Connection terminated|not queryable|^Client was closed/, sentence: lost, lost: true },
]

/** Null for an error that does not come from Postgres' server. */
export function sqlState(error: unknown): string | null {
  return error instanceof Error && 'severity' in error && 'code' in error && typeof error.code === 'string'
    ? error.code
    : null
}

/** The connection that it was thrown on is of no use any more; whether the statement was carried out is not known. */
export function isLost(error: unknown): boolean {
  const state = sqlState(error)
  if (state !== null) return /^(08|57P0[1245])/.test(state)
  return systemCode(error) !== null || ownWordsOf(error)?.lost === true
}

/** It may be otherwise in a moment: a connection that broke, a server that restarts, transactions in each other's way. */
export function isPassing(error: unknown): boolean {
  const state = sqlState(error)
  return isLost(error) || (state !== null && /^(40001|40P01|57P03|53300)$/.test(state))
}

/** The RunnelError for anything that was thrown while the database was used. `where` names it without its password. */
export function storeError(error: unknown, where: string): RunnelError {
  if (error instanceof RunnelError) return error
  const state = sqlState(error)
  // A duplicate id is a fault of the program: trying again would not help.
  if (state === '23505') return new RunnelError('internal', 'This is in the database already.', { cause: error })
  const sentence = state === null ? outsideSentence(error) : (sentences[state] ?? sentences[state.slice(0, 2)])
  if (sentence) return new RunnelError('store_unavailable', sentence(where), { cause: error })
  // Postgres' own words may quote what was to be written.
  const reason =
    state !== null
      ? `The database refused a statement (${state}).`
      : error instanceof Error
        ? error.message
        : String(error)
  return new RunnelError('internal', reason, { cause: error })
}

function outsideSentence(error: unknown): ((where: string) => string) | undefined {
  const code = systemCode(error)
  if (code !== null) return /^(ECONNRESET|EPIPE)$/.test(code) ? lost : refused(code)
  return ownWordsOf(error)?.sentence
}

function ownWordsOf(error: unknown) {
  return error instanceof Error && !(error instanceof RunnelError)
    ? ownWords.find(({ words }) => words.test(error.message))
    : undefined
}

/** Of a system call that failed, on any of a name's addresses. */
function systemCode(error: unknown): string | null {
  if (!(error instanceof Error)) return null
  return ('syscall' in error || error instanceof AggregateError) && 'code' in error ? String(error.code) : null
}
