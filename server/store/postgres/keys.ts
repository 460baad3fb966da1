import { newAliasKey } from '../alias-key.ts'
import type { PostgresConnection } from './connection.ts'

/** Of nodes that ask at once all get the same. */
export async function postgresAliasKey({ query, write }: PostgresConnection): Promise<string> {
  const read = async () => (await query<{ value: string }>("SELECT value FROM keys WHERE name = 'alias'"))[0]?.value
  const known = await read()
  if (known !== undefined) return known
  await write((query) =>
    query("INSERT INTO keys (name, value) VALUES ('alias', $1) ON CONFLICT DO NOTHING", [newAliasKey()]),
  )
  return (await read())!
}
