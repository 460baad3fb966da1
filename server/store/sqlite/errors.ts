import { isRunnelError, RunnelError } from '../../../shared/errors.ts'

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

/** Readers see these: they name settings, no places. */
const sentences: Record<number, string> = {
  [resultCode.busy]: 'The database is locked by another program. Close that program; Runnel then goes on.',
  [resultCode.locked]: 'The database is locked by another program. Close that program; Runnel then goes on.',
  [resultCode.noMemory]: 'There is not enough memory to use the database.',
  [resultCode.readOnly]:
    'The database cannot be written. Give this user write permission for the file and its folder, or set DATABASE_URL to another file.',
  [resultCode.ioError]: 'Reading or writing the database failed. Check the disk that it is on.',
  [resultCode.corrupt]: 'The database is damaged. Restore it from a backup.',
  [resultCode.full]: 'The disk of the database is full. Free some space; Runnel then goes on.',
  [resultCode.cannotOpen]:
    'The database cannot be opened. Check that its folder exists and that this user may write there.',
  [resultCode.notADatabase]: 'The file of DATABASE_URL is no SQLite database. Move it away, or name another one.',
}

/** `errcode` of an error of node:sqlite, without its extended part; null for any other error. */
function sqliteResultCode(error: unknown): number | null {
  if (!(error instanceof Error) || !('errcode' in error) || typeof error.errcode !== 'number') return null
  return error.errcode & 0xff
}

export function isBusy(error: unknown): boolean {
  return sqliteResultCode(error) === resultCode.busy
}

/** The RunnelError for anything that was thrown while the database at `path` was used. */
export function storeError(error: unknown, path: string): RunnelError {
  if (isRunnelError(error)) return error
  const code = sqliteResultCode(error)
  // A duplicate id is a fault of the program, not of the disk: trying again would not help.
  if (code === resultCode.constraint) {
    return new RunnelError('internal', 'This is in the database already.', { cause: error })
  }
  if (code === null && !isFromOutside(error)) {
    return new RunnelError('internal', error instanceof Error ? error.message : String(error), { cause: error })
  }
  const sentence = code === null ? undefined : sentences[code]
  return new RunnelError('store_unavailable', sentence ?? 'The database cannot be used; the log has more.', {
    cause: error,
    where: path,
  })
}

/** A system call that failed, or a database that is closed: what is not our own fault and has no SQLite code. */
function isFromOutside(error: unknown): boolean {
  if (!(error instanceof Error)) return false
  return 'syscall' in error || ('code' in error && error.code === 'ERR_INVALID_STATE')
}
