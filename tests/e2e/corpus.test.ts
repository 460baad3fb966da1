/**
 * Every recorded stream through the whole road: fake OpenAI server → server →
 * a stock Yjs client and the client library, each from the first moment on.
 */
import * as Y from 'yjs'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { WebsocketProvider } from 'y-websocket'
import { connect, isTerminal, type Client } from '../../client/index.ts'
import { readMessage, type Message } from '../../shared/schema.ts'
import { recorded, startFakeOpenAI, startRunnel, type FakeOpenAI, type StartedRunnel } from '../../testing/index.ts'
import { ownStreamsRoot, readCorpus, recordedStreamsRoot, type CorpusStream } from '../helpers/corpus.ts'
import { differences } from '../helpers/expected-message.ts'

const root = recordedStreamsRoot()
if (!root) console.log('RUNNEL_STREAM_CORPUS is not set: the own, smaller streams are played through the server.')
const streams = readCorpus(root ?? ownStreamsRoot())

interface Road {
  fake: FakeOpenAI
  server: StartedRunnel
  client: Client
}
const roads = new Map<CorpusStream['api'], Road>()

beforeAll(async () => {
  for (const api of ['chat', 'responses'] as const) {
    const fake = await startFakeOpenAI()
    const server = await startRunnel({ OPENAI_API_KEY: 'key', OPENAI_BASE_URL: fake.url, RUNNEL_OPENAI_API: api })
    roads.set(api, { fake, server, client: connect({ url: server.url }) })
  }
})

afterAll(async () => {
  for (const { fake, server, client } of roads.values()) {
    await client.close()
    await server.close()
    await fake.close()
  }
})

test.each(streams.map((stream) => [stream.name, stream] as const))(
  '%s',
  async (_name, { api, sse, expected, reads }) => {
    const { fake, server, client } = roads.get(api)!
    fake.enqueue(recorded(sse, reads ?? { seed: 7, maxBytes: 2_000 }))
    const { messageId } = await server.ask('Play the next stream.')
    const doc = new Y.Doc()
    const stock = new WebsocketProvider(`${server.url.replace('http', 'ws')}/yjs`, messageId, doc, { disableBc: true })
    try {
      const { message } = await client
        .message(messageId)
        .until((snapshot) => snapshot.message !== null && isTerminal(snapshot.message.status), {
          signal: AbortSignal.timeout(10_000),
        })
      await ends(doc)
      const { body } = await server.call('GET', `/api/messages/${messageId}`)
      expect(readMessage(doc)).toEqual(body)
      expect(message).toEqual(body)
      const { output, status, finishReason, usage, error } = body as Message
      expect(
        differences({ blocks: output, status, finishReason, usage, errorCode: error?.code }, expected, api),
      ).toEqual([])
    } finally {
      stock.destroy()
      doc.destroy()
    }
  },
)

/** The stock copy has the terminal status. */
function ends(doc: Y.Doc): Promise<void> {
  return new Promise((resolve) => {
    const docAfterTransaction = () => {
      const { status } = readMessage(doc)
      if (status === undefined || !isTerminal(status)) return
      doc.off('afterTransaction', docAfterTransaction)
      resolve()
    }
    doc.on('afterTransaction', docAfterTransaction)
    docAfterTransaction()
  })
}
