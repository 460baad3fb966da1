import { describe, expect, test } from 'vitest'
import * as Y from 'yjs'
import type { LiveMessage, MessageSnapshot } from '../../client/index.ts'
import { encodeChannelMessage, encodeStock } from '../../shared/protocol.ts'
import { messageMap, outputArray, readMessage } from '../../shared/schema.ts'
import type { FakeServer } from './fake-server.ts'
import {
  addBlock,
  append,
  eventually,
  fillMessage,
  messageId,
  settled,
  startClient,
  startServer,
  textOf,
} from './fixtures.ts'

const fillWithText = (text: string) => (doc: Y.Doc) => {
  fillMessage(doc)
  addBlock(doc, 'b0')
  append(doc, text)
}

function shownText({ message }: MessageSnapshot): string | undefined {
  const block = message?.output[0]
  return block?.type === 'text' ? block.text : undefined
}

async function following(server: FakeServer, text = 'Hello') {
  server.serve(messageId, fillWithText(text))
  const client = startClient(server)
  const live = client.message(messageId)
  const snapshots: MessageSnapshot[] = []
  live.subscribe(() => snapshots.push(live.getSnapshot()))
  await eventually(() => expect(live.getSnapshot().status).toBe('live'))
  return { client, live, snapshots }
}

async function converged(live: LiveMessage, server: FakeServer): Promise<void> {
  const { doc } = server.documents.get(messageId)!
  await eventually(() => expect(live.getSnapshot().message).toEqual(readMessage(doc)))
}

describe('following', () => {
  test('shows the state, then every update', async () => {
    const server = await startServer()
    const { live } = await following(server)
    expect(shownText(live.getSnapshot())).toBe('Hello')
    server.edit(messageId, (doc) => append(doc, ', world'))
    await converged(live, server)
    expect(shownText(live.getSnapshot())).toBe('Hello, world')
  })

  test('tells its listeners once a frame, however many updates it holds', async () => {
    const server = await startServer()
    const { client, live, snapshots } = await following(server)
    const updates = ['a', 'b', 'c'].map((chunk) => server.editUnseen(messageId, (doc) => append(doc, chunk)))
    const before = snapshots.length
    server.last.frame(...updates.map((update) => server.channelUpdate(messageId, update)))
    await settled(client, server)
    expect(snapshots).toHaveLength(before + 1)
    expect(shownText(live.getSnapshot())).toBe('Helloabc')
  })

  test('updates out of order wait for what they lack', async () => {
    const server = await startServer()
    const { client, live } = await following(server)
    const [first, second] = ['a', 'b'].map((chunk) => server.editUnseen(messageId, (doc) => append(doc, chunk)))
    server.broadcast(messageId, second!)
    await settled(client, server)
    expect(shownText(live.getSnapshot())).toBe('Hello')
    server.broadcast(messageId, first!)
    await converged(live, server)
  })

  test('the snapshot is the same object until something changes', async () => {
    const server = await startServer()
    const { client, live } = await following(server)
    const before = live.getSnapshot()
    await settled(client, server)
    expect(live.getSnapshot()).toBe(before)
    expect(client.message(messageId).getSnapshot()).toBe(before)
    server.last.control({ type: 'lagging', channel: 1 })
    await eventually(() => expect(live.getSnapshot().status).toBe('lagging'))
    expect(live.getSnapshot().message).toBe(before.message)
    server.last.control({ type: 'caughtUp', channel: 1 })
    await eventually(() => expect(live.getSnapshot().status).toBe('live'))
  })

  test('all who follow one document share its subscription, and the last one ends it', async () => {
    const server = await startServer()
    const { client, live } = await following(server)
    const other = client.message(messageId)
    const stop = other.subscribe(() => {})
    expect(other.getSnapshot()).toBe(live.getSnapshot())
    stop()
    stop()
    await settled(client, server)
    expect(server.last.subscribes).toHaveLength(1)
    expect(server.last.ofType('unsubscribe')).toHaveLength(0)

    server.serve('msg_bbbbbbbb', fillMessage)
    const leave = client.message('msg_bbbbbbbb').subscribe(() => {})
    await eventually(() => expect(client.message('msg_bbbbbbbb').getSnapshot().status).toBe('live'))
    leave()
    await eventually(() =>
      expect(server.last.ofType('unsubscribe')).toEqual([{ type: 'unsubscribe', docs: ['msg_bbbbbbbb'] }]),
    )
    expect(client.message('msg_bbbbbbbb').getSnapshot()).toEqual({ status: 'loading', message: null })
  })

  test('leaving and coming back in one turn changes nothing', async () => {
    const server = await startServer()
    server.serve(messageId, fillMessage)
    const client = startClient(server)
    const live = client.message(messageId)
    const stop = live.subscribe(() => {})
    await eventually(() => expect(live.getSnapshot().status).toBe('live'))
    stop()
    live.subscribe(() => {})
    await settled(client, server)
    expect(live.getSnapshot().status).toBe('live')
    expect(server.last.ofType('unsubscribe')).toHaveLength(0)
  })

  test('leaving and coming back before the answer uses the answer', async () => {
    const server = await startServer()
    const served = server.serve(messageId, fillMessage)
    served.held = true
    const client = startClient(server)
    const live = client.message(messageId)
    const stop = live.subscribe(() => {})
    await eventually(() => expect(server.last.subscribes).toHaveLength(1))
    stop()
    await settled(client, server)
    live.subscribe(() => {})
    server.release(messageId)
    await eventually(() => expect(live.getSnapshot().status).toBe('live'))
    expect(server.last.subscribes).toHaveLength(1)
  })

  test('frames after leaving are ignored until it is subscribed again', async () => {
    const server = await startServer()
    server.serve(messageId, fillMessage)
    const client = startClient(server)
    const live = client.message(messageId)
    const stop = live.subscribe(() => {})
    await eventually(() => expect(live.getSnapshot().status).toBe('live'))
    stop()
    await eventually(() => expect(server.last.ofType('unsubscribe')).toHaveLength(1))
    const update = server.editUnseen(messageId, (doc) => messageMap(doc).set('status', 'completed'))
    server.last.frame(server.channelUpdate(messageId, update))
    server.last.frame(encodeChannelMessage(99, Uint8Array.of(9, 9, 9)))
    await settled(client, server)
    expect(live.getSnapshot().message).toBeNull()
    live.subscribe(() => {})
    await converged(live, server)
  })

  test('`until` waits for a condition and leaves', async () => {
    const server = await startServer()
    server.serve(messageId, fillMessage)
    const client = startClient(server)
    const ended = client.message(messageId).until(({ message }) => message?.status === 'completed')
    await eventually(() => expect(client.message(messageId).getSnapshot().status).toBe('live'))
    server.edit(messageId, (doc) => messageMap(doc).set('status', 'completed'))
    expect((await ended).message?.status).toBe('completed')
    await eventually(() => expect(server.last.ofType('unsubscribe')).toHaveLength(1))
    const reason = new Error('enough')
    await expect(client.message(messageId).until(() => false, { signal: AbortSignal.abort(reason) })).rejects.toBe(
      reason,
    )
  })
})

describe('refusals', () => {
  test('a refusal is shown, and nothing of the document any more', async () => {
    const server = await startServer()
    const { live } = await following(server)
    server.last.control({ type: 'refused', doc: messageId, code: 'not_found', message: 'There is no such document.' })
    await eventually(() =>
      expect(live.getSnapshot()).toEqual({
        status: 'refused',
        error: { code: 'not_found', message: 'There is no such document.' },
        message: null,
      }),
    )
    expect(live.getSnapshot()).toBe(live.getSnapshot())
  })

  test('a refusal that may pass is asked again', async () => {
    const server = await startServer()
    const served = server.serve(messageId, fillMessage)
    served.refuse = { code: 'store_unavailable', message: 'Not now.' }
    const client = startClient(server)
    const live = client.message(messageId)
    live.subscribe(() => {})
    await eventually(() => expect(live.getSnapshot().status).toBe('refused'))
    served.refuse = null
    await eventually(() => expect(live.getSnapshot().status).toBe('live'))
  })
})

describe('reset', () => {
  test('another lineage replaces the document, and the old one shows until the new one is there', async () => {
    const server = await startServer()
    const { live, snapshots } = await following(server, 'old')
    server.documents.get(messageId)!.doc.destroy()
    const served = server.serve(messageId, fillWithText('new'))
    served.lineage = 'second'
    served.channel = 7
    served.held = true
    server.last.socket.terminate()
    await eventually(() => expect(server.connections).toHaveLength(2))
    await eventually(() => expect(server.last.subscribes).toHaveLength(1))
    server.last.control({
      type: 'subscribed',
      docs: [{ doc: messageId, channel: 7, lineage: 'second', reset: true, role: 'owner' }],
    })
    expect(shownText(live.getSnapshot())).toBe('old')
    server.last.frame(
      encodeChannelMessage(7, encodeStock({ type: 'syncStep2', update: Y.encodeStateAsUpdate(served.doc) })),
    )
    await eventually(() => expect(shownText(live.getSnapshot())).toBe('new'))
    expect(snapshots.map(shownText).every((text) => text === 'old' || text === 'new')).toBe(true)
  })

  test('a reset with the same lineage replaces the document too', async () => {
    const server = await startServer()
    const { live } = await following(server, 'a tail that the server has lost')
    server.documents.get(messageId)!.doc.destroy()
    const served = server.serve(messageId, fillWithText('less'))
    served.alwaysReset = true
    server.last.socket.terminate()
    await converged(live, server)
    expect(shownText(live.getSnapshot())).toBe('less')
  })

  test('a line that breaks between the reset and the state asks for everything again', async () => {
    const server = await startServer()
    const { live } = await following(server, 'old')
    const served = server.documents.get(messageId)!
    served.held = true
    server.last.socket.terminate()
    await eventually(() => expect(server.connections).toHaveLength(2))
    await eventually(() => expect(server.last.subscribes).toHaveLength(1))
    server.last.control({
      type: 'subscribed',
      docs: [{ doc: messageId, channel: 1, lineage: 'second', reset: true, role: 'owner' }],
    })
    served.held = false
    served.lineage = 'second'
    server.last.socket.terminate()
    await eventually(() => expect(server.connections).toHaveLength(3))
    await eventually(() => expect(server.last.subscribes).toEqual([[{ doc: messageId }]]))
    await converged(live, server)
  })
})

describe('checkpoints', () => {
  /** Reaches past the client's API to do what no server does: changes the copy under it. */
  function corrupt(server: FakeServer, change: (doc: Y.Doc) => void): void {
    const { doc } = server.documents.get(messageId)!
    const forged = new Y.Doc()
    Y.applyUpdate(forged, Y.encodeStateAsUpdate(doc))
    const before = Y.encodeStateVector(forged)
    forged.clientID = 8_000
    forged.transact(() => change(forged))
    server.last.frame(server.channelUpdate(messageId, Y.encodeStateAsUpdate(forged, before)))
    forged.destroy()
  }

  test('one that matches leaves everything as it is', async () => {
    const server = await startServer()
    const { client, live } = await following(server)
    server.edit(messageId, (doc) => append(doc, ' 👩‍👩‍👧 naïve'))
    server.checkpoint(messageId)
    await settled(client, server)
    expect(live.getSnapshot().status).toBe('live')
    expect(server.last.subscribes).toHaveLength(1)
  })

  test('a corrupted copy is found and loaded again, once, without a moment of emptiness', async () => {
    const server = await startServer()
    const { client, live, snapshots } = await following(server)
    corrupt(server, (doc) => append(doc, ' – never written'))
    await eventually(() => expect(shownText(live.getSnapshot())).toBe('Hello – never written'))
    server.checkpoint(messageId)
    await converged(live, server)
    expect(server.last.subscribes[1]).toEqual([{ doc: messageId }])
    server.checkpoint(messageId)
    await settled(client, server)
    expect(server.last.subscribes).toHaveLength(2)
    expect(live.getSnapshot().status).toBe('live')
    expect(snapshots.every(({ message }) => message !== null)).toBe(true)
  })

  test('a lost deletion is found, though state vectors do not show it', async () => {
    const server = await startServer()
    const { live } = await following(server)
    server.editUnseen(messageId, (doc) => textOf(doc).delete(0, 4))
    server.checkpoint(messageId)
    await eventually(() => expect(shownText(live.getSnapshot())).toBe('o'))
    expect(server.last.subscribes).toHaveLength(2)
  })

  test('a lost update is found', async () => {
    const server = await startServer()
    const { live } = await following(server)
    server.editUnseen(messageId, (doc) => append(doc, '!'))
    server.checkpoint(messageId)
    await converged(live, server)
    expect(server.last.subscribes).toHaveLength(2)
  })

  test('a copy that differs after the reload too shows an error and its text, and recovers with a match', async () => {
    const server = await startServer()
    const { client, live } = await following(server)
    server.checkpoint(messageId, { digest: 'wrong' })
    await eventually(() => expect(server.last.subscribes).toHaveLength(2))
    await settled(client, server)
    expect(live.getSnapshot().status).toBe('live')
    server.checkpoint(messageId, { digest: 'wrong' })
    await eventually(() =>
      expect(live.getSnapshot()).toMatchObject({ status: 'diverged', error: { code: 'internal' } }),
    )
    server.checkpoint(messageId, { digest: 'wrong' })
    server.edit(messageId, (doc) => append(doc, '!'))
    await converged(live, server)
    expect(server.last.subscribes).toHaveLength(2)
    expect(live.getSnapshot().status).toBe('diverged')
    server.checkpoint(messageId)
    await eventually(() => expect(live.getSnapshot().status).toBe('live'))
  })

  test('after a match a later difference is worth a reload again', async () => {
    const server = await startServer()
    const { client, live } = await following(server)
    for (let round = 1; round <= 3; round++) {
      server.checkpoint(messageId, { digest: 'wrong' })
      await eventually(() => expect(server.last.subscribes).toHaveLength(1 + round))
      await settled(client, server)
      server.checkpoint(messageId)
      await settled(client, server)
    }
    expect(live.getSnapshot().status).toBe('live')
  })

  test('an update that is none is a copy that differs: no crash, one reload', async () => {
    const server = await startServer()
    const { client, live } = await following(server)
    const garbage = encodeChannelMessage(
      1,
      encodeStock({ type: 'update', update: Uint8Array.of(1, 1, 64, 255, 255, 3) }),
    )
    server.last.frame(garbage)
    await eventually(() => expect(server.last.subscribes).toHaveLength(2))
    await settled(client, server)
    expect(live.getSnapshot()).toMatchObject({ status: 'live', message: { id: messageId } })
    server.last.frame(encodeChannelMessage(1, Uint8Array.of(250)))
    await eventually(() => expect(live.getSnapshot().status).toBe('diverged'))
    expect(shownText(live.getSnapshot())).toBe('Hello')
    server.edit(messageId, (doc) => outputArray(doc).delete(0))
    server.checkpoint(messageId)
    await eventually(() => expect(live.getSnapshot()).toMatchObject({ status: 'live', message: { output: [] } }))
  })
})
