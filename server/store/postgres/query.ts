/** One statement, on a connection of its own or inside a transaction. */
export type Query = <Row = Record<string, unknown>>(sql: string, values?: readonly unknown[]) => Promise<Row[]>
