import { RunnelError } from '../../../shared/errors.ts'
import type { Query } from './query.ts'
import { missingFrom } from './shape.ts'
import { migrations } from './steps.ts'

/** Of the lock that a node holds while it changes the schema ("Rnnl"). */
const lockKey = 0x526e6e6c

/**
 * Brings the schema to the last of `steps`, each in a transaction of its own;
 * nodes that start at once take turns. Throws `store_unavailable` for the
 * tables of another program, of a newer Runnel, those that are not what their
 * version says, or where text is not UTF-8: nothing is changed then.
 */
export async function migrate(
  transaction: <T>(work: (query: Query) => Promise<T>) => Promise<T>,
  where: string,
  steps: readonly string[] = migrations,
): Promise<void> {
  for (let done = false; !done;) {
    done = await transaction(async (query) => {
      await query('SELECT pg_advisory_xact_lock($1)', [lockKey])
      const version = await readVersion(query, where)
      if (version > steps.length) {
        throw new RunnelError(
          'store_unavailable',
          `The database was written by a newer Runnel (schema ${version}; this one knows up to ${steps.length}). Start that version, or set DATABASE_URL to another one.`,
          { where },
        )
      }
      // What an unreleased Runnel or somebody's hand has left is not built upon, and not touched.
      const missing = await missingFrom(query, steps.slice(0, version))
      if (missing !== null) {
        throw new RunnelError(
          'store_unavailable',
          `The database says that it has schema ${version} of Runnel, but lacks ${missing} as that has it; nothing was changed. Restore it from a backup, or set DATABASE_URL to another one.`,
          { where },
        )
      }
      if (version === steps.length) return true
      if (version === 0) await query('CREATE TABLE runnel_schema AS SELECT 0 AS version')
      await query(steps[version]!)
      await query('UPDATE runnel_schema SET version = $1', [version + 1])
      return false
    })
  }
}

/** 0 for a schema without tables; those of extensions do not count. */
async function readVersion(query: Query, where: string): Promise<number> {
  const [found] = await query<{ ours: boolean; tables: number; encoding: string }>(
    `SELECT count(*) FILTER (WHERE relname = 'runnel_schema') > 0 AS ours, count(*) AS tables, current_setting('server_encoding') AS encoding
     FROM pg_class WHERE relnamespace = current_schema()::regnamespace AND relkind IN ('r', 'p')
     AND NOT EXISTS (SELECT 1 FROM pg_depend WHERE classid = 'pg_class'::regclass AND objid = pg_class.oid AND deptype = 'e')`,
  )
  if (found?.encoding !== 'UTF8')
    throw new RunnelError(
      'store_unavailable',
      `The database keeps text as ${found?.encoding}. Make one with ENCODING 'UTF8', or set DATABASE_URL to another one.`,
      { where },
    )
  if (found.ours) {
    const [row] = await query<{ version: unknown }>(
      "SELECT to_jsonb(runnel_schema) -> 'version' AS version FROM runnel_schema",
    )
    const { version } = row ?? {}
    if (typeof version === 'number' && Number.isInteger(version) && version > 0) return version
  }
  if (found.tables === 0) return 0
  throw new RunnelError(
    'store_unavailable',
    "The database holds the tables of another program. Set DATABASE_URL to a database of Runnel's own.",
    { where },
  )
}
