import type { NewFile, NewSource } from '../../server/extension/context.ts'
import type { Tool, ToolContext, ToolSource } from '../../server/extension/tool.ts'

export interface Seen {
  progress: string[]
  files: NewFile[]
  sources: NewSource[]
}

/** A context that keeps what a tool shows; what tools of MCP servers never use is not there. */
export function seeingContext(
  signal = new AbortController().signal,
  { keepsFiles = true } = {},
): { context: ToolContext; seen: Seen } {
  const seen: Seen = { progress: [], files: [], sources: [] }
  const context: Pick<ToolContext, 'signal' | 'progress' | 'addFile' | 'addSource'> = {
    signal,
    progress: (text) => void seen.progress.push(text),
    addSource: (source) => `block_${seen.sources.push(source)}`,
    addFile: async (file) => {
      if (!keepsFiles) throw new Error('The file is too large.')
      seen.files.push(file)
      return {
        id: 'block_1',
        type: 'file',
        status: 'completed',
        name: file.name,
        mimeType: file.mimeType ?? '',
        url: '/api/files/1',
      }
    },
  }
  return { context: context as ToolContext, seen }
}

export async function toolOf(source: ToolSource, name: string): Promise<Tool> {
  const tools = await source.list(new AbortController().signal)
  const tool = tools.find((one) => one.name === name)
  if (tool === undefined) throw new Error(`${name} is not among ${tools.map((one) => one.name).join(', ')}`)
  return tool
}

export async function call(
  source: ToolSource,
  name: string,
  args: object = {},
  context = seeingContext().context,
): Promise<string> {
  return (await (
    await toolOf(source, name)
  ).execute!(args, context)) as string
}
