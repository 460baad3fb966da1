/** A real server whose answers a test writes, all at once or word by word. */
import { afterAll, beforeAll } from 'vitest'
import { connect, type Client } from '../../client/index.ts'
import type { Provider } from '../../server/provider/events.ts'
import { startRunnel } from '../../testing/index.ts'

export interface ByHand {
  say: (text: string) => void
  end: () => void
}

export interface Handmade {
  url: string
  /** The next answer, which ends by itself. */
  next: (words: readonly string[]) => void
  /** The next answer, written word by word. */
  byHand: () => ByHand
  close: () => Promise<void>
}

export async function startHandmade(settings: object = {}): Promise<Handmade> {
  const answers: AsyncGenerator<string>[] = []
  const provider: Provider = async function* (_request, signal) {
    const words =
      answers.shift() ??
      (async function* () {
        yield 'Hello.'
      })()
    yield { type: 'block_start', key: 't', block: { type: 'text', status: 'in_progress' } }
    for await (const text of untilAborted(words, signal)) yield { type: 'delta', key: 't', field: 'text', text }
    yield { type: 'block_end', key: 't', status: 'completed' }
    yield { type: 'finish', reason: 'stop' }
  }
  const { url, close } = await startRunnel({ ...settings, provider })
  return {
    url,
    close,
    next: (words) =>
      void answers.push(
        (async function* () {
          yield* words
        })(),
      ),
    byHand: () => {
      const said: (string | null)[] = []
      let wake = () => {}
      answers.push(
        (async function* () {
          for (;;) {
            while (said.length > 0) {
              const text = said.shift()!
              if (text === null) return
              yield text
            }
            await new Promise<void>((resolve) => {
              wake = resolve
            })
          }
        })(),
      )
      const push = (text: string | null) => {
        said.push(text)
        wake()
      }
      return { say: push, end: () => push(null) }
    },
  }
}

async function* untilAborted(words: AsyncGenerator<string>, signal: AbortSignal): AsyncGenerator<string> {
  const aborted = new Promise<never>((_, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason as Error), { once: true })
  })
  aborted.catch(() => {})
  for (;;) {
    const { done, value } = await Promise.race([words.next(), aborted])
    if (done) return
    yield value
  }
}

/** One for all tests of a file, with a client of it. `taken` gets both before the first. */
export function useHandmade(taken: (server: Handmade, client: Client) => void): void {
  let close: () => Promise<unknown> = () => Promise.resolve()
  beforeAll(async () => {
    const server = await startHandmade()
    const client = connect({ url: server.url })
    close = async () => {
      await client.close()
      await server.close()
    }
    taken(server, client)
  })
  afterAll(() => close())
}
