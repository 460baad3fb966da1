/** Where an MCP server is. */

/** A program that is started and spoken to over its standard input and output. */
export interface StdioServer {
  /** Stands before the names of its tools, and in errors. */
  name: string
  command: string
  args?: readonly string[]
  /** Beside HOME, LOGNAME, PATH, SHELL, TERM and USER; nothing else of our own environment is passed on. */
  env?: Readonly<Record<string, string>>
  cwd?: string
}

/** A server that speaks streamable HTTP. */
export interface HttpServer {
  name: string
  url: string | URL
  headers?: Readonly<Record<string, string>>
}

export type McpServer = StdioServer | HttpServer
