import type { Store } from '../../server/index.ts'
import { append, readLog, refusal } from './fixtures.ts'
import { answer, bytes, chat, chatId, claim, newRun, question } from './records.ts'
import type { TestTools } from './tools.ts'

/** Makes an empty place (a file, a database), and gives what opens the store there. */
export type OpenPlace = () => () => Store

/** What is kept by a store that outlives its process. */
export function closeRules(place: OpenPlace, { it, expect }: Pick<TestTools, 'it' | 'expect'>): void {
  it('has everything again after it was closed and opened', async () => {
    const open = place()
    const first = open()
    const aliasKey = await first.aliasKey()
    await first.createChat(chat(), 'chat line', claim({ response: 'first' }))
    await first.startRun(newRun('msg_answer01', {}, { userMessage: question('msg_ask00001') }))
    await first.startRun(newRun('msg_answer02'))
    await append(first, 'msg_answer01', 1, 0, 'a', 'b')
    await append(first, 'msg_answer02', 1, 0, 'c')
    await first.endRun({
      taskId: 'task_msg_answer02',
      message: answer('msg_answer02'),
      epoch: 1,
      state: bytes('final'),
    })
    await first.putProviderData('msg_answer01', [{ blockId: 'block_1', data: [1] }])
    await first.releaseEpoch(chatId, await first.drawEpoch(chatId))
    await first.close()

    const second = open()
    expect(await second.aliasKey()).toBe(aliasKey)
    expect(await second.getChat(chatId)).toEqual(chat())
    expect((await second.listMessages(chatId, { limit: 10 })).items.map((row) => row.json?.id ?? null)).toEqual([
      'msg_ask00001',
      null,
      'msg_answer02',
    ])
    expect(await readLog(second, 'msg_answer01')).toMatchObject({
      lineage: 'lineage of msg_answer01',
      seq: 1,
      updates: ['a', 'b'],
    })
    expect(await readLog(second, 'msg_answer02')).toMatchObject({ seq: 1, state: 'final', updates: [] })
    expect(await second.getProviderData('msg_answer01')).toEqual([{ blockId: 'block_1', data: [1] }])
    expect(await second.drawEpoch(chatId)).toBe(1)
    expect(await second.createChat(chat('chat_bbbbbbbb'), 'l', claim())).toEqual({ repeated: true, response: 'first' })
  })

  it('refuses every call after it was closed, twice if need be', async () => {
    const store = place()()
    await store.close()
    await store.close()
    await refusal('store_unavailable', () => store.getChat(chatId))
    await refusal('store_unavailable', () => store.log.append([]))
    await refusal('store_unavailable', () => store.drawEpoch(chatId))
  })
}
