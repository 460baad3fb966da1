/** A small MCP server, as it may come from anybody: notes, in memory. */
import { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js'
import { StdioServerTransport } from '@modelcontextprotocol/sdk/server/stdio.js'
import { z } from 'zod'

const notes = ['Water the plants', 'Return the book on tides']
const server = new McpServer({ name: 'notes', version: '1.0.0' })
const text = (value: string) => ({ content: [{ type: 'text' as const, text: value }] })

server.registerTool('list', { description: 'All notes', annotations: { readOnlyHint: true } }, () =>
  text(notes.map((note) => `- ${note}`).join('\n')),
)

server.registerTool('add', { description: 'Adds a note', inputSchema: { note: z.string() } }, ({ note }) => {
  notes.push(note)
  return text(`There are ${notes.length} notes now.`)
})

await server.connect(new StdioServerTransport())
