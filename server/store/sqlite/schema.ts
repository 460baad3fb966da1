import { DatabaseSync } from 'node:sqlite'
import { RunnelError } from '../../../shared/errors.ts'
import { migrations } from './steps.ts'

/** Marks a file as ours in its header ("Rnnl"), so that no other program's database is ever changed. */
const applicationId = 0x526e6e6c

/**
 * Throws `store_unavailable` for the file of another program, of a newer
 * Runnel, or that is not what its version says. It only reads: switching such a file to WAL would change it already.
 */
export function refuseForeignFile(database: DatabaseSync, path: string, steps: readonly string[] = migrations): void {
  const version = readPragma(database, 'user_version')
  const owner = readPragma(database, 'application_id')
  const isEmpty = database.prepare('SELECT 1 FROM sqlite_schema LIMIT 1').get() === undefined
  if (owner !== applicationId && !(isEmpty && owner === 0 && version === 0)) {
    throw new RunnelError(
      'store_unavailable',
      `${path} is the database of another program. Set DATABASE_URL to another file.`,
    )
  }
  if (version > steps.length) {
    throw new RunnelError(
      'store_unavailable',
      `${path} was written by a newer Runnel (schema ${version}; this one knows up to ${steps.length}). Start that version, or set DATABASE_URL to another file.`,
    )
  }
  const missing = missingFrom(database, steps.slice(0, version))
  if (missing !== undefined) {
    throw new RunnelError(
      'store_unavailable',
      `${path} says that it has schema ${version} of Runnel, but lacks ${missing}; nothing was changed. Restore it from a backup, or set DATABASE_URL to another file.`,
    )
  }
}

/** The first column that these steps make and the database has not. */
function missingFrom(database: DatabaseSync, steps: readonly string[]): string | undefined {
  const model = new DatabaseSync(':memory:')
  try {
    for (const step of steps) model.exec(step)
    const there = new Set(columnsOf(database))
    return columnsOf(model).find((column) => !there.has(column))
  } finally {
    model.close()
  }
}

function columnsOf(database: DatabaseSync): string[] {
  return database
    .prepare(
      `SELECT tables.name || '.' || columns.name AS name FROM sqlite_schema AS tables, pragma_table_info(tables.name) AS columns
       WHERE tables.type = 'table'`,
    )
    .all()
    .map(({ name }) => String(name))
}

/** Brings a database to the last of `steps`, each in a transaction of its own. */
export function migrate(database: DatabaseSync, steps: readonly string[] = migrations): void {
  const version = readPragma(database, 'user_version')
  for (const [index, step] of steps.entries()) {
    if (index < version) continue
    try {
      // Both pragmas are fields of the file's header and belong to the transaction.
      database.exec(
        `BEGIN IMMEDIATE; ${step}; PRAGMA application_id = ${applicationId}; PRAGMA user_version = ${index + 1}; COMMIT`,
      )
    } catch (error) {
      if (database.isTransaction) database.exec('ROLLBACK')
      throw error
    }
  }
}

function readPragma(database: DatabaseSync, name: 'user_version' | 'application_id'): number {
  return Number(database.prepare(`PRAGMA ${name}`).get()?.[name])
}
