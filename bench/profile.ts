/** What a CPU profile (`node --cpu-prof`) says of a span of time: how much went where, by the files on the stack. */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

interface CpuProfile {
  nodes: { id: number; callFrame: { functionName: string; url: string }; children?: number[] }[]
  samples: number[]
  /** µs between two samples. */
  timeDeltas: number[]
}

/** The innermost frame that one of these knows says what the sample was for; the first match on the way up counts. */
const places: readonly (readonly [what: string, pattern: RegExp])[] = [
  ['socket writes', /server\/room\/outbox\.ts/],
  ['log', /server\/store\//],
  ['Yjs', /node_modules\/yjs|server\/document\/encoder\.ts/],
  ['rooms', /server\/room\//],
  ['decoding', /server\/provider\/(openai-|sse|frames|chat-)|eventsource-parser/],
  ['run and writer', /server\/(task|document)\//],
  ['reading chunks', /undici|webstreams|readable|server\/provider\//],
]

/** Shares of the main thread between `from` and `to`, ms since the process began, largest first, as one line. */
export function profileShares(folder: string, from: number, to: number): string {
  const profiles = readdirSync(folder).map((file) => JSON.parse(readFileSync(join(folder, file), 'utf8')) as CpuProfile)
  const profile = profiles.find(({ nodes }) => nodes.some(({ callFrame }) => callFrame.url.endsWith('server/main.ts')))!
  const whatOf = new Map<number, string>()
  const name = ({ id, callFrame, children }: CpuProfile['nodes'][number], above: string): void => {
    const own =
      callFrame.functionName === '(idle)'
        ? 'idle'
        : callFrame.functionName === '(garbage collector)'
          ? 'garbage'
          : (places.find(([, pattern]) => pattern.test(callFrame.url))?.[0] ?? above)
    whatOf.set(id, own)
    for (const child of children ?? []) name(byId.get(child)!, own)
  }
  const byId = new Map(profile.nodes.map((node) => [node.id, node]))
  name(profile.nodes[0]!, 'other')
  const spent = new Map<string, number>()
  let at = 0
  profile.samples.forEach((id, i) => {
    at += profile.timeDeltas[i]! / 1_000
    if (at >= from && at <= to)
      spent.set(whatOf.get(id)!, (spent.get(whatOf.get(id)!) ?? 0) + profile.timeDeltas[i]! / 1_000)
  })
  const total = [...spent.values()].reduce((sum, ms) => sum + ms, 0)
  return [...spent]
    .sort((a, b) => b[1] - a[1])
    .map(([what, ms]) => `${Math.round((100 * ms) / total)} % ${what}`)
    .join(', ')
}
