import { isRunnelError, RunnelError } from '../../../shared/errors.ts'

/** By SQLSTATE, https://www.postgresql.org/docs/current/errcodes-appendix.html, or by its class (two characters). Readers see these: they name settings, no places. */
const sentences = new Map(
  Object.entries({
    '08': 'The connection to the database was lost.',
    '28': 'The database refuses this user. Check the user and the password in DATABASE_URL.',
    '3D000': 'There is no such database. Make it, or set DATABASE_URL to another one.',
    '25006': 'The database takes no writes, as a standby does. Set DATABASE_URL to the server that does.',
    '40': 'Too many writes at once changed the same rows of the database. Try again in a moment.',
    '42501':
      "This user may not make or use Runnel's tables in the database. Give it the right, or set DATABASE_URL to another user.",
    '42P01': 'Tables of Runnel are missing in the database. Restore them from a backup.',
    '53': 'The database is out of disk, memory or connections. Runnel goes on when it has some again.',
    '55P03': 'Somebody else locks rows of the database for too long.',
    '57014': 'The database took too long.',
    '57': 'The database is going down or starting. Runnel goes on when it is there again.',
    '58': 'Reading or writing the database failed. Check the disk of its server.',
    XX: 'The database is damaged, or its server is at fault. Its log says more.',
  }),
)

const refused = (code: string) =>
  `The database cannot be reached (${code}). Start it, or set DATABASE_URL to another one.`
const lost = sentences.get('08')!

/** What pg itself says, which has no code; `lost`: of a connection that is of no use any more; `passing`: none could be had in time. */
const ownWords: { words: RegExp; sentence: string; lost?: true; passing?: true }[] = [
  {
    words: /^timeout exceeded when trying to connect/,
    sentence: 'All connections to the database are in use, or it does not answer. Try again in a moment.',
    passing: true,
  },
  { words: /^Cannot use a pool/, sentence: 'The database was closed.' },
  {
    words: /SSL|certificate|SASL|SCRAM/,
    sentence: 'Runnel and the database do not agree on TLS or sign-in. Check the password and sslmode in DATABASE_URL.',
  },
  { words: /connection timeout/, sentence: refused('no answer'), lost: true },
  { words: /^Query read timeout/, sentence: 'The database does not answer.', lost: true },
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

/** It may be otherwise in a moment: a connection that broke, a server that restarts, fails over or is full. */
export function isPassing(error: unknown): boolean {
  const state = sqlState(error)
  return state === null
    ? isLost(error) || ownWordsOf(error)?.passing === true
    : isLost(error) || /^(57P03|53...|25006)$/.test(state)
}

/** The victim of a deadlock, or of a serialization that failed: nothing of it was done, and the same is tried again at once. */
export function isConflict(error: unknown): boolean {
  return /^(40001|40P01)$/.test(sqlState(error) ?? '')
}

/** The RunnelError for anything that was thrown while the database was used. `where` names it without its password. */
export function storeError(error: unknown, where: string): RunnelError {
  if (isRunnelError(error)) return error
  const state = sqlState(error)
  // A duplicate id is a fault of the program: trying again would not help.
  if (state === '23505') return new RunnelError('internal', 'This is in the database already.', { cause: error })
  const sentence = state === null ? outsideSentence(error) : (sentences.get(state) ?? sentences.get(state.slice(0, 2)))
  if (sentence !== undefined) return new RunnelError('store_unavailable', sentence, { cause: error, where })
  // Postgres' own words may quote what was to be written, those of the system name hosts.
  const reason =
    state !== null
      ? `The database refused a statement (${state}).`
      : 'The database could not be used; the log has more.'
  return new RunnelError('internal', reason, { cause: error, where })
}

function outsideSentence(error: unknown): string | undefined {
  const code = systemCode(error)
  if (code !== null) return /^(ECONNRESET|EPIPE)$/.test(code) ? lost : refused(code)
  return ownWordsOf(error)?.sentence
}

function ownWordsOf(error: unknown) {
  return error instanceof Error && !isRunnelError(error)
    ? ownWords.find(({ words }) => words.test(error.message))
    : undefined
}

/** Of a system call that failed, on any of a name's addresses. */
function systemCode(error: unknown): string | null {
  if (!(error instanceof Error)) return null
  return ('syscall' in error || error instanceof AggregateError) && 'code' in error ? String(error.code) : null
}
