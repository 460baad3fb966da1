import { mcpServer, type McpServer, type McpServerOptions } from '../../server/index.ts'
import type { Json } from '../../shared/schema.ts'
import { callTool, type RunToolOptions, type ToolRun } from './run-tool.ts'

const listMs = 30_000

export interface RunMcpOptions extends RunToolOptions {
  mcp?: McpServerOptions
}

/**
 * Has a model call a tool of an MCP server, and tells all that came of it. `tool`: as its server calls it, or as the model
 * does. Throws, with the tools that there are, where there is none of this name.
 */
export async function runMcp(
  server: McpServer,
  tool: string,
  args: Json | string = {},
  { mcp = {}, ...options }: RunMcpOptions = {},
): Promise<ToolRun> {
  const listed = mcpServer(server, mcp)
  let name: string
  try {
    const tools = await listed.list(AbortSignal.timeout(listMs), () => {})
    const found = tools.find((one) => one.original === tool) ?? tools.find((one) => one.name === tool)
    if (!found) {
      const names = tools.map((one) => one.original ?? one.name).join(', ')
      throw new Error(`The MCP server ${server.name} has no tool ${tool}. It has: ${names || 'none'}.`)
    }
    name = found.name
  } finally {
    await listed.close?.()
  }
  return await callTool([mcpServer(server, mcp)], name, args, options)
}
