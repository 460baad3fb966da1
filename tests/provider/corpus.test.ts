import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { StreamMapper } from '../../server/provider/frames.ts'
import { ChatMapper } from '../../server/provider/openai-chat.ts'
import { ResponsesMapper } from '../../server/provider/openai-responses.ts'
import { openaiProvider } from '../../server/provider/openai.ts'
import { readStream } from '../../server/provider/stream.ts'
import { Upstream } from '../../server/provider/upstream.ts'
import { cutBytes } from '../../testing/openai/index.ts'
import { recorded, startFakeOpenAI, type Cuts, type FakeOpenAI } from '../../testing/openai/index.ts'
import { ownStreamsRoot, readCorpus, recordedStreamsRoot, type CorpusStream } from '../helpers/corpus.ts'
import { differences } from '../helpers/expected-message.ts'
import { collect, foldEvents, type FoldedMessage } from '../helpers/fold-events.ts'

const recordedRoot = recordedStreamsRoot()
if (!recordedRoot)
  console.log('RUNNEL_STREAM_CORPUS is not set: the streams of tests/fixtures are read, the recorded ones are not.')
const streams = [...readCorpus(ownStreamsRoot()), ...(recordedRoot ? readCorpus(recordedRoot) : [])]
const seed = Number(process.env.RUNNEL_TEST_SEED ?? 20_251_120)
const byteByByteBelow = 20_000

let fake: FakeOpenAI
beforeAll(async () => {
  fake = await startFakeOpenAI()
})
afterAll(() => fake.close())

describe(`every stream comes out as it was sent (seed ${seed})`, () => {
  test.each(streams)('$name', async (stream) => {
    for (const cuts of cutsOf(stream)) {
      const message = await readCut(stream, cuts)
      expect(differences(message, stream.expected, stream.api), JSON.stringify(cuts).slice(0, 60)).toEqual([])
    }
    const message = await readOverHttp(stream)
    expect(differences(message, stream.expected, stream.api), 'over HTTP').toEqual([])
  })
})

test('no known stream holds an event of an unknown type', async () => {
  const unknown = new Set<string>()
  for (const stream of streams) await readCut(stream, 'whole', (type) => unknown.add(`${type} in ${stream.name}`))
  // Whoever recorded that one has shortened its picture.
  expect([...unknown]).toEqual(
    streams.some(({ name }) => name === shortened) ? [`image_generation_call.result in ${shortened}`] : [],
  )
})

const shortened = 'responses/openai--gpt5-image-generation'

function cutsOf(stream: CorpusStream): Cuts[] {
  return [
    'whole',
    { seed, maxBytes: 700 },
    { seed: seed + 1, maxBytes: 40 },
    ...(stream.sse.length < byteByByteBelow ? ['bytes' as const] : []),
    ...(stream.reads ? [stream.reads] : []),
  ]
}

async function readCut(
  stream: CorpusStream,
  cuts: Cuts,
  onUnknown: (type: string) => void = () => {},
): Promise<FoldedMessage> {
  const mapper: StreamMapper = stream.api === 'chat' ? new ChatMapper(onUnknown) : new ResponsesMapper(onUnknown)
  const pieces = cutBytes(stream.sse, cuts)
  const body = new ReadableStream<Uint8Array>({
    pull(controller) {
      const piece = pieces.shift()
      if (piece) controller.enqueue(piece)
      else controller.close()
    },
  })
  const response = new Response(body, { headers: { 'content-type': 'text/event-stream' } })
  return foldEvents(await collect(readStream(async () => response, mapper, new Upstream(new AbortController().signal))))
}

async function readOverHttp(stream: CorpusStream): Promise<FoldedMessage> {
  fake.enqueue(recorded(stream.sse, stream.reads ?? { seed, maxBytes: 4000 }))
  const provider = openaiProvider({ apiKey: 'key', baseURL: fake.url, api: stream.api, idleMs: 5000 })
  const request = { model: 'any', prompt: [{ role: 'user' as const, text: 'Hello' }] }
  return foldEvents(await collect(provider(request, new AbortController().signal)))
}
