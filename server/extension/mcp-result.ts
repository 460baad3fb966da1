/** What an MCP tool answers with, as the output of a call: text for the model, files and sources for the reader. */
import type { CallToolResult } from '@modelcontextprotocol/sdk/types.js'
import type { Redact } from '../secrets/secrets.ts'
import { isDeeper } from '../../shared/json-depth.ts'
import type { ToolContext } from './tool.ts'

/** What is nested deeper cannot be written as JSON. */
const maxDepth = 200

type Content = CallToolResult['content'][number]

/** Throws an Error with the tool's own words, but for secrets, where it says that it failed. */
export async function outputOf(
  result: CallToolResult,
  tool: string,
  context: ToolContext,
  redact: Redact,
): Promise<string> {
  if (result.isError === true)
    throw new Error(
      redact(result.content.flatMap(textOf).join('\n')) || `The tool ${tool} failed and does not say why.`,
    )
  const parts: string[] = []
  for (const item of result.content) parts.push(...(await partsOf(item, tool, context)))
  // Where both are there, the text says the same.
  if (parts.length === 0 && result.structuredContent !== undefined) {
    if (isDeeper(result.structuredContent, maxDepth))
      throw new Error(`The tool ${tool} answered with data nested deeper than ${maxDepth} levels.`)
    return JSON.stringify(result.structuredContent)
  }
  return parts.join('\n')
}

function textOf(item: Content): string[] {
  if (item.type === 'text') return [item.text]
  return item.type === 'resource' && 'text' in item.resource ? [item.resource.text] : []
}

async function partsOf(item: Content, tool: string, context: ToolContext): Promise<string[]> {
  switch (item.type) {
    case 'image':
    case 'audio':
      return [
        await keep(
          { name: `${tool}.${extensionOf(item.mimeType)}`, mimeType: item.mimeType, base64: item.data },
          context,
        ),
      ]
    case 'resource_link': {
      const { title = item.name, uri, description } = item
      // Other schemes mean something to the server only.
      const isWeb = /^https?:/i.test(uri)
      context.addSource({
        title,
        ...(isWeb ? { url: uri } : { sourceType: 'document' }),
        ...(description !== undefined && { snippet: description }),
      })
      return [`${title}: ${uri}`]
    }
    case 'resource': {
      if ('text' in item.resource) return [item.resource.text]
      const { uri, blob, mimeType = 'application/octet-stream' } = item.resource
      return [await keep({ name: nameOf(uri) ?? `${tool}.${extensionOf(mimeType)}`, mimeType, base64: blob }, context)]
    }
    default:
      return textOf(item)
  }
}

/** Tells the model as well, that would call again for an answer that looks empty. A file that cannot be kept does not lose the rest. */
async function keep(
  { name, mimeType, base64 }: { name: string; mimeType: string; base64: string },
  context: ToolContext,
): Promise<string> {
  try {
    await context.addFile({ name, mimeType, data: Buffer.from(base64, 'base64') })
    return `(The file ${name}, ${mimeType}, is shown to the reader.)`
  } catch (error) {
    return `(The file ${name}, ${mimeType}, could not be kept: ${error instanceof Error ? error.message : 'unknown reason'})`
  }
}

/** `image/svg+xml` → `svg` */
const extensionOf = (mimeType: string) => /\/(?:x-)?([a-z0-9]+)/i.exec(mimeType)?.[1]?.toLowerCase() ?? 'bin'

/** The last part of the path, if it says anything. */
function nameOf(uri: string): string | null {
  const path = uri.split(/[?#]/, 1)[0]!
  const name = path.slice(Math.max(path.lastIndexOf('/'), path.lastIndexOf(':')) + 1)
  return name === '' ? null : name
}
