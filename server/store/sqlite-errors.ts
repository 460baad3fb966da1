import { RunnelError } from '../../shared/errors.ts'

/** SQLite's primary result codes: https://www.sqlite.org/rescode.html */
const resultCode = {
  busy: 5,
  locked: 6,
  noMemory: 7,
  readOnly: 8,
  ioError: 10,
  corrupt: 11,
  full: 13,
  cannotOpen: 14,
  constraint: 19,
  notADatabase: 26,
} as const

const sentences: Record<number, (path: string) => string> = {
  [resultCode.busy]: (path) =>
    `The database ${path} is locked by another program. Close that program; Runnel then goes on.`,
  [resultCode.locked]: (path) =>
    `The database ${path} is locked by another program. Close that program; Runnel then goes on.`,
  [resultCode.noMemory]: (path) => `There is not enough memory to use the database ${path}.`,
  [resultCode.readOnly]: (path) =>
    `The database ${path} cannot be written. Give this user write permission for the file and its folder, or set DATABASE_URL to another file.`,
  [resultCode.ioError]: (path) => `Reading or writing the database ${path} failed. Check the disk that it is on.`,
  [resultCode.corrupt]: (path) => `The database ${path} is damaged. Restore it from a backup.`,
  [resultCode.full]: (path) => `The disk of the database ${path} is full. Free some space; Runnel then goes on.`,
  [resultCode.cannotOpen]: (path) =>
    `The database ${path} cannot be opened. Check that its folder exists and that this user may write there.`,
  [resultCode.notADatabase]: (path) =>
    `${path} is no SQLite database. Move it away, or set DATABASE_URL to another file.`,
}

/** `errcode` of an error of node:sqlite, without its extended part; null for any other error. */
export function sqliteResultCode(error: unknown): number | null {
  if (!(error instanceof Error) || !('errcode' in error) || typeof error.errcode !== 'number') return null
  return error.errcode & 0xff
}

export function isBusy(error: unknown): boolean {
  return sqliteResultCode(error) === resultCode.busy
}

/** The RunnelError for anything that was thrown while the database at `path` was used. */
export function storeError(error: unknown, path: string): RunnelError {
  if (error instanceof RunnelError) return error
  const code = sqliteResultCode(error)
  // A duplicate id is a fault of the program, not of the disk: trying again would not help.
  if (code === resultCode.constraint) {
    return new RunnelError('internal', 'This is in the database already.', { cause: error })
  }
  const reason = error instanceof Error ? error.message : String(error)
  if (code === null && !isFromOutside(error)) return new RunnelError('internal', reason, { cause: error })
  const sentence = code === null ? undefined : sentences[code]
  return new RunnelError(
    'store_unavailable',
    sentence ? sentence(path) : `The database ${path} cannot be used: ${reason}.`,
    { cause: error },
  )
}

/** A system call that failed, or a database that is closed: what is not our own fault and has no SQLite code. */
function isFromOutside(error: unknown): boolean {
  if (!(error instanceof Error)) return false
  return 'syscall' in error || ('code' in error && error.code === 'ERR_INVALID_STATE')
}
