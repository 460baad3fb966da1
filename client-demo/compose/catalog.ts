/** The server's models and tools, read once for all composers, and again when they are out of date. */
import type { Client, ModelInfo, ToolInfo, ToolServerInfo } from '@runnel/client'
import { useRead, type Reading } from '@runnel/client/react'

const freshMs = 60_000
const mostPages = 10
const reads = new WeakMap<Client['api'], Map<string, { at: number; data: Promise<unknown> }>>()

function recently<Data>(api: Client['api'], name: string, read: () => Promise<Data>): Promise<Data> {
  let known = reads.get(api)
  if (!known) reads.set(api, (known = new Map()))
  const last = known.get(name)
  if (last && Date.now() - last.at < freshMs) return last.data as Promise<Data>
  const data = read()
  known.set(name, { at: Date.now(), data })
  data.catch(() => known.delete(name))
  return data
}

export function useModels(): Reading<readonly ModelInfo[]> {
  return useRead('models', (api) =>
    recently(api, 'models', async () => {
      const models: ModelInfo[] = []
      let cursor: string | null | undefined
      for (let page = 0; page < mostPages && cursor !== null; page++) {
        const { items, nextCursor } = await api.listModels({ limit: 200, ...(cursor !== undefined && { cursor }) })
        models.push(...items)
        cursor = nextCursor
      }
      return models
    }),
  )
}

export function useTools(): Reading<{ servers: readonly ToolServerInfo[]; tools: readonly ToolInfo[] }> {
  return useRead('tools', (api) => recently(api, 'tools', () => api.listTools()))
}
