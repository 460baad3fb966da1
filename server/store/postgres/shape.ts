import type { Query } from './query.ts'

/** What the steps of a schema make, read from their own words. */
export interface Shape {
  /** `table.column` */
  columns: Set<string>
  functions: Map<string, string>
}

function shapeOf(steps: readonly string[]): Shape {
  const columns = new Set<string>()
  const functions = new Map<string, string>()
  for (const step of steps) {
    for (const [, table, body] of step.matchAll(/CREATE TABLE (\w+) \(([^;]*)\)[^;)]*;/g)) {
      // A column begins a line or follows a comma; what is in capitals there is a constraint.
      const lines = body!.replaceAll(/--.*/g, '').split(/[\n,]/)
      for (const line of lines) {
        const column = /^\s*([a-z]\w*) [A-Z]/.exec(line)?.[1]
        if (column !== undefined) columns.add(`${table}.${column}`)
      }
    }
    for (const [, table, column] of step.matchAll(/ALTER TABLE (\w+) ADD COLUMN (\w+)/g))
      columns.add(`${table}.${column}`)
    for (const [, table, column] of step.matchAll(/ALTER TABLE (\w+) DROP COLUMN (\w+)/g))
      columns.delete(`${table}.${column}`)
    for (const [, table] of step.matchAll(/DROP TABLE (\w+)/g))
      for (const name of columns) if (name.startsWith(`${table}.`)) columns.delete(name)
    for (const [, name, source] of step.matchAll(/CREATE (?:OR REPLACE )?FUNCTION (\w+)\([\s\S]*?\$\$([\s\S]*?)\$\$/g))
      functions.set(name!, source!)
  }
  return { columns, functions }
}

/** The first thing that these steps make and the database has not, or has otherwise; null where all is there. */
export async function missingFrom(query: Query, steps: readonly string[]): Promise<string | null> {
  const { columns, functions } = shapeOf(steps)
  const there = await query<{ name: string }>(
    `SELECT relname || '.' || attname AS name FROM pg_attribute JOIN pg_class ON pg_class.oid = attrelid
     WHERE relnamespace = current_schema()::regnamespace AND relkind IN ('r', 'p') AND attnum > 0 AND NOT attisdropped`,
  )
  const names = new Set(there.map(({ name }) => name))
  for (const name of columns) if (!names.has(name)) return name
  const sources = await query<{ name: string; source: string }>(
    'SELECT proname AS name, prosrc AS source FROM pg_proc WHERE pronamespace = current_schema()::regnamespace',
  )
  for (const [name, source] of functions)
    if (!sources.some((found) => found.name === name && found.source === source)) return `${name}()`
  return null
}
