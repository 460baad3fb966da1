import { Client } from 'pg'
import { afterAll, beforeAll, beforeEach, describe, expect, it, onTestFinished } from 'vitest'
import { openPostgresStore } from '../../server/store/postgres/postgres.ts'
import type { Store } from '../../server/store/store.ts'
import { startPostgres, type Postgres } from '../helpers/postgres.ts'
import { storeContract } from '../../testing/contracts/store.ts'
import { closeRules } from '../../testing/contracts/store-close.ts'
import { append } from './fixtures.ts'
import { answer, bytes, chat, chatId, claim, newRun, question } from './records.ts'

let postgres: Postgres
let url: string
beforeAll(async () => {
  postgres = await startPostgres()
  url = await postgres.database()
  const store = openPostgresStore(url)
  await store.probe()
  await store.close()
}, 30_000)
beforeEach(() =>
  postgres.run(
    `DO $$ BEGIN
  EXECUTE (SELECT 'TRUNCATE ' || string_agg(tablename, ', ') FROM pg_tables WHERE schemaname = 'public' AND tablename NOT IN ('runnel_schema', 'probe'));
END $$`,
    url,
  ),
)
afterAll(() => postgres.close())

function open(): Store {
  const store = openPostgresStore(url)
  onTestFinished(() => store.close())
  return store
}

/** How many rows each table has, the empty ones left out. */
async function rows(): Promise<Record<string, number>> {
  const tables = await postgres.run<{ name: string }>(
    `SELECT tablename AS name FROM pg_tables WHERE schemaname = 'public' AND tablename NOT IN ('runnel_schema', 'probe')`,
    url,
  )
  const counts: Record<string, number> = {}
  for (const { name } of tables) {
    const [row] = await postgres.run<{ count: string }>(`SELECT count(*) FROM ${name}`, url)
    if (row!.count !== '0') counts[name] = Number(row!.count)
  }
  return counts
}

describe('the store in Postgres', () => {
  storeContract(open, { describe, it, expect })
  closeRules(() => open, { it, expect })

  it('gives back text with NUL, its own escapes and backslashes, and JSON as it was written, in every field', async () => {
    const store = open()
    const odd = 'a\0b\u0001c\u00010\u00011 \\u0000 \\0 \u{1F30A} \u2028 "quoted"'
    const block = {
      id: 'block_1',
      type: 'text' as const,
      status: 'completed' as const,
      text: odd,
      annotations: [{ [odd]: [1e300, 5e-324, -0.1, 1e21, null, odd] }],
    }
    const json = answer('msg_answer01', { output: [block] })
    await store.createChat(
      chat(chatId, { title: odd, system: odd, ownerId: odd }),
      odd,
      claim({ userId: odd, key: odd, response: { [odd]: odd } }),
    )
    await store.putFile({ id: 'file_aaaaaaaa', chatId, userId: odd, name: odd, mimeType: odd, size: 1, createdAt: 1 })
    await store.startRun(newRun('msg_answer01', { request: { z: 1, a: odd } }))
    expect(Object.keys((await store.getMessage('msg_answer01'))!.request as object)).toEqual(['z', 'a'])
    await store.endRun({ message: json, taskId: json.taskId!, epoch: 1, state: bytes('final') })
    await store.putProviderData('msg_answer01', [{ blockId: odd, data: [odd, '\ud83d'] }])
    expect(JSON.stringify((await store.getMessage('msg_answer01'))?.json)).toBe(JSON.stringify(json))
    expect(await store.getChat(chatId)).toEqual(chat(chatId, { title: odd, system: odd, ownerId: odd }))
    expect(await store.getProviderData('msg_answer01')).toEqual([{ blockId: odd, data: [odd, '\ud83d'] }])
    expect(await store.getFile('file_aaaaaaaa')).toMatchObject({ userId: odd, name: odd, mimeType: odd })
    expect(await store.unattachedFiles(odd)).toBe(1)
    expect(await store.memberRole(chatId, odd)).toBe('owner')
    expect((await store.log.read(chatId))?.lineage).toBe(odd)
    expect(await store.findClaim(claim({ userId: odd, key: odd }))).toEqual({ response: { [odd]: odd } })
    expect((await store.searchChats(odd, 'quoted', { limit: 2 })).items.map(({ id }) => id)).toEqual([chatId])
  })

  it('searches texts of any size, and cuts words of any length', async () => {
    const store = open()
    await store.createChat(chat(chatId, { title: 'x'.repeat(100_000) }), 'l')
    const words = Array.from({ length: 200_000 }, (_, i) => `word${i}`)
    const output = [
      { id: 'block_1', type: 'text' as const, status: 'completed' as const, text: words.join(' '), annotations: [] },
    ]
    await store.startRun(newRun('msg_answer01'))
    await store.endRun({
      taskId: 'task_msg_answer01',
      message: answer('msg_answer01', { output }),
      epoch: 1,
      state: bytes('final'),
    })
    for (const found of ['word7 word3000', 'x'.repeat(5_000)])
      expect((await store.searchChats('user_1', found, { limit: 2 })).items, found).toHaveLength(1)
  })

  it('leaves no row of a chat that is deleted', async () => {
    const store = open()
    await store.createChat(chat(), 'l', claim({ response: { id: chatId } }))
    await store.putMember(chatId, { userId: 'user_2', name: 'Ann', role: 'editor', joinedAt: 2 })
    await store.putInvite({ id: 'invite_1', chatId, role: 'viewer', tokenHash: 'hash', createdAt: 1, expiresAt: 2 })
    await store.putFile({
      id: 'file_aaaaaaaa',
      chatId,
      userId: 'user_1',
      name: 'a',
      mimeType: 'text/plain',
      size: 1,
      createdAt: 1,
    })
    await store.startRun(
      newRun(
        'msg_answer01',
        { parentId: 'msg_ask00001' },
        { userMessage: question('msg_ask00001'), files: ['file_aaaaaaaa'] },
      ),
    )
    await append(store, 'msg_answer01', 1, 0, 'a')
    await store.endRun({
      taskId: 'task_msg_answer01',
      message: answer('msg_answer01'),
      epoch: 1,
      state: bytes('final'),
      tell: true,
    })
    await store.endListed({ messageId: 'msg_answer01', taskId: 'task_msg_answer01' })
    await store.continueRun({
      messageId: 'msg_answer01',
      taskId: 'task_2',
      userId: 'user_1',
      node: 'node_1',
      request: {},
    })
    await append(store, 'msg_answer01', 1, 1, 'b')
    await store.putProviderData('msg_answer01', [{ blockId: 'block_1', data: 1 }])
    expect(Object.keys(await rows()).toSorted()).toEqual([
      'activities',
      'chats',
      'claims',
      'documents',
      'files',
      'invites',
      'members',
      'message_files',
      'messages',
      'past_tasks',
      'provider_data',
      'states',
      'untold_ends',
      'updates',
    ])
    await store.deleteChat(chatId)
    expect(await rows()).toEqual({ doomed_files: 1 })
  })
})

describe('several nodes on one database', () => {
  it('give one of many requests with the same key to one, and its answer to all', async () => {
    const nodes = [open(), open(), open()]
    await nodes[0]!.createChat(chat(), 'l')
    for (let round = 0; round < 10; round++) {
      const key = `key-${round}`
      const answers = await Promise.all(
        nodes.flatMap((node, i) =>
          [0, 1, 2].map(async (j) => {
            const id = `msg_r${round}n${i}j${j}00`
            return await node.startRun(newRun(id, {}, { claim: claim({ key, response: id }) }))
          }),
        ),
      )
      const first = (await nodes[0]!.findClaim(claim({ key })))!.response
      expect(answers.filter(({ repeated }) => !repeated)).toHaveLength(1)
      expect(new Set(answers.flatMap((answered) => (answered.repeated ? [answered.response] : [])))).toEqual(
        new Set([first]),
      )
    }
    expect(await nodes[1]!.unfinished()).toHaveLength(10)
  })

  describe('that are in the middle of', () => {
    const order = { taskId: 'task_msg_answer01', key: 'b1', body: { output: 'words' } }

    /** A node that has come so far in a transaction, and what another does meanwhile: it waits, or is through. */
    async function meanwhile(sql: string, work: (store: Store) => Promise<unknown>): Promise<unknown> {
      const store = open()
      await store.createChat(chat(), 'l')
      await store.startRun(newRun('msg_answer01'))
      const client = new Client(url)
      onTestFinished(() => client.end())
      await client.connect()
      await client.query(`BEGIN; ${sql}`)
      let done = false
      const working = work(store).finally(() => (done = true))
      const waits = () => postgres.run(`SELECT 1 FROM pg_locks WHERE NOT granted`, url)
      await expect.poll(async () => done || (await waits()).length > 0).toBe(true)
      await client.query('COMMIT')
      return await working
    }

    it('deleting a message refuse what is said to its run, and keep nothing of it', async () => {
      const said = await meanwhile(`DELETE FROM messages WHERE id = 'msg_answer01'`, (store) => store.putOrder(order))
      expect([said, await open().ordersOf([order.taskId])]).toEqual([false, []])
    })

    it('ending a run refuse what is said to it', async () => {
      const said = await meanwhile(`UPDATE messages SET status = 'completed' WHERE id = 'msg_answer01'`, (store) =>
        store.putOrder(order),
      )
      expect([said, await open().ordersOf([order.taskId])]).toEqual([false, []])
    })

    it('saying something to a run hold up the deletion of its message, which takes it along', async () => {
      await meanwhile(
        `INSERT INTO orders (task_id, key, body) SELECT task_id, 'b1', '1' FROM messages WHERE id = 'msg_answer01' FOR SHARE`,
        (store) => store.deleteMessages('msg_answer01'),
      )
      expect(await open().ordersOf([order.taskId])).toEqual([])
    })
  })

  it('draw each epoch once, and continue a message once', async () => {
    const nodes = [open(), open()]
    await nodes[0]!.createChat(chat(), 'l')
    await nodes[0]!.startRun(newRun('msg_answer01'))
    const drawn = await Promise.all(Array.from({ length: 20 }, (_, i) => nodes[i % 2]!.drawEpoch('msg_answer01')))
    expect(drawn.toSorted((a, b) => a - b)).toEqual(Array.from({ length: 20 }, (_, i) => i + 2))
    await nodes[0]!.endRun({
      taskId: 'task_msg_answer01',
      message: answer('msg_answer01'),
      epoch: 21,
      state: bytes('final'),
    })
    await nodes[0]!.endListed({ messageId: 'msg_answer01', taskId: 'task_msg_answer01' })
    const continued = await Promise.allSettled(
      nodes.map((node, i) =>
        node.continueRun({
          messageId: 'msg_answer01',
          taskId: `task_${i}`,
          userId: 'user_1',
          node: 'node_1',
          request: {},
        }),
      ),
    )
    expect(continued.map(({ status }) => status).toSorted()).toEqual(['fulfilled', 'rejected'])
    expect(continued.find(({ status }) => status === 'rejected')).toMatchObject({ reason: { code: 'busy' } })
  })

  it(
    'write, save and delete the same chats at once without a word of a deadlock, and leave nothing behind',
    { timeout: 60_000 },
    async () => {
      const nodes = [open(), open()]
      const chats = Array.from({ length: 4 }, (_, i) => `chat_number0${i}`)
      for (const id of chats) await nodes[0]!.createChat(chat(id), 'l')
      const ids = chats.flatMap((chatId, c) =>
        Array.from({ length: 8 }, (_, i) => ({ chatId, id: `msg_c${c}i${i}0000` })),
      )
      for (const { chatId, id } of ids) await nodes[0]!.startRun(newRun(id, { chatId }))
      const work: Promise<unknown>[] = []
      for (let seq = 0; seq < 10; seq++) {
        const order = seq % 2 ? ids.toReversed() : ids
        work.push(
          Promise.resolve(
            nodes[seq % 2]!.log.append(
              order.map(({ id }) => ({ doc: id, epoch: 1, previousSeq: seq, updates: [bytes('x')] })),
            ),
          ),
        )
        for (const { id } of order)
          work.push(
            nodes[(seq + 1) % 2]!.putOrder({ taskId: `task_${id}`, key: `b${seq}`, body: { output: 'words' } }),
            nodes[(seq + 1) % 2]!.putProviderData(id, [{ blockId: `b${seq}`, data: 'words' }]),
            nodes[seq % 2]!.endRun({ taskId: `task_${id}`, message: answer(id), epoch: 1, state: bytes('final') }),
          )
      }
      for (const { id } of ids.slice(0, 8)) work.push(nodes[1]!.deleteMessages(id))
      for (const id of chats) work.push(nodes[1]!.deleteChat(id))
      await Promise.all(work)
      expect(await rows()).toEqual({})
    },
  )
})
