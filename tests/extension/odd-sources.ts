/** Sources on odd servers, closed behind each test. */
import { fileURLToPath } from 'node:url'
import { afterAll, afterEach, beforeAll } from 'vitest'
import { mcpServer, type McpServerOptions } from '../../server/extension/mcp.ts'
import type { ToolSource } from '../../server/extension/tool.ts'
import { startOdd, type Odd, type OddHttp, type OddServer } from './odd-mcp.ts'

export const never = new AbortController().signal
const program = fileURLToPath(new URL('odd-mcp-stdio.ts', import.meta.url))

export function oddSources() {
  const sources: ToolSource[] = []
  let odd: OddServer
  beforeAll(async () => {
    odd = await startOdd()
  })
  afterAll(() => odd.close())
  afterEach(async () => {
    await Promise.all(sources.splice(0).map((source) => source.close()))
  })

  function kept(source: ToolSource): ToolSource {
    sources.push(source)
    return source
  }

  return {
    kept,
    /** With what was said of it. */
    http(
      kind: OddHttp,
      options: McpServerOptions = {},
      headers: Record<string, string> = {},
    ): { source: ToolSource; said: string[] } {
      const said: string[] = []
      const onError = ({ message }: Error) => void said.push(message)
      return { source: kept(mcpServer({ name: 'odd', url: odd.at(kind), headers }, { onError, ...options })), said }
    },
    stdio(kind: Odd): ToolSource {
      const env = { ODD: JSON.stringify(kind), NODE_NO_WARNINGS: '1' }
      return kept(mcpServer({ name: 'odd', command: process.execPath, args: [program], env }))
    },
  }
}

/** Without the name of the server before them. */
export async function namesOf(source: ToolSource): Promise<string[]> {
  return (await source.list(never)).map(({ name }) => name.replace(/^odd_/, ''))
}
