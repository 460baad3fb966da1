/** Each client library reads every stream twice, from the fake provider itself and through the door. */
import { answer, recorded, startFakeOpenAI, startRunnel, type ReceivedRequest } from '../../../testing/index.ts'
import type { Script } from '../../../testing/openai/index.ts'
import type { CorpusStream } from '../../helpers/corpus.ts'
import type { AskedTool, DoorClient, Observed } from './clients/observed.ts'

export interface Pair {
  client: string
  stream: string
  direct: Observed
  door: Observed
}

/** A fake provider that plays the streams, and a server in front of it. */
export async function startComparison(streams: readonly CorpusStream[]) {
  const fake = await startFakeOpenAI({ fallback: (request) => scriptOf(request, streams) })
  const server = await startRunnel({
    OPENAI_API_KEY: 'key',
    OPENAI_BASE_URL: fake.url,
    RUNNEL_OPENAI_API: 'chat',
    RUNNEL_MAX_TASKS_PER_USER: '100',
  })
  return {
    /** `chunkMs`: time between two chunks; 0: all at once. */
    async ask(client: DoorClient, stream: CorpusStream, chunkMs: number): Promise<Pair> {
      const asked = { model: `m-${streams.indexOf(stream)}-${chunkMs}`, tools: toolsOf(stream) }
      const [direct, door] = await Promise.all(
        [fake.url, `${server.url}/v1`].map((baseURL) => client.ask({ baseURL, ...asked })),
      )
      return { client: client.name, stream: stream.name, direct: direct!, door: door! }
    },
    async close() {
      await server.close()
      await fake.close()
    },
  }
}

/** By the model: which stream, and how fast. Whoever comes back with results of calls gets a last word. */
function scriptOf({ body }: ReceivedRequest, streams: readonly CorpusStream[]): Script {
  const [, index, chunkMs] = /^m-(\d+)-(\d+)$/.exec(String(body.model)) ?? []
  const messages = body.messages as { role: string }[]
  if (index === undefined || messages.some(({ role }) => role === 'tool')) return answer({ text: 'Done.' })
  const { sse } = streams[Number(index)]!
  if (chunkMs === '0') return recorded(sse)
  const frames = new TextDecoder().decode(sse).split(/(?<=\n\r?\n)/)
  return {
    kind: 'recorded',
    body: sse,
    cuts: frames.map((frame) => Buffer.byteLength(frame)),
    intervalMs: Number(chunkMs),
  }
}

export function toolsOf({ expected }: CorpusStream): AskedTool[] {
  const keys = new Map<string, Set<string>>()
  for (const { name, arguments: text } of expected.toolCalls ?? []) {
    const known = keys.get(name) ?? new Set()
    keys.set(name, known)
    for (const key of keysOf(text)) known.add(key)
  }
  return [...keys].map(([name, known]) => ({ name, keys: [...known] }))
}

function keysOf(text: string): string[] {
  try {
    return Object.keys(JSON.parse(text) as object)
  } catch {
    return []
  }
}
