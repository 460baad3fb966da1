import { refusal, type OpenStore } from './fixtures.ts'
import { chat, claim, newRun, question, startedAt } from './records.ts'
import type { TestTools } from './tools.ts'

const dayMs = 24 * 60 * 60 * 1000

/** What a repeated request does: nothing. */
export function claimRules(open: OpenStore, { describe, it, expect }: TestTools): void {
  describe('claims', () => {
    it('answers a repeated request with the first response and writes nothing', async () => {
      const store = open()
      await store.createChat(chat(), 'l')
      const response = { messageId: 'msg_answer01' }
      await store.startRun(newRun('msg_answer01', {}, { claim: claim({ response }) }))
      const repeated = newRun(
        'msg_answer02',
        {},
        { claim: claim({ response: { messageId: 'msg_answer02' } }), userMessage: question('msg_ask00001') },
      )
      expect(await store.startRun(repeated)).toEqual({ repeated: true, response })
      expect(await store.getMessage('msg_answer02')).toBeNull()
      expect(await store.getMessage('msg_ask00001')).toBeNull()
      expect(await store.log.read('msg_answer02')).toBeNull()
    })

    it('gives all of several concurrent requests the same ids', async () => {
      const store = open()
      await store.createChat(chat(), 'l')
      const ids = ['msg_answer01', 'msg_answer02', 'msg_answer03']
      const answers = await Promise.all(
        ids.map((id) => store.startRun(newRun(id, {}, { claim: claim({ response: id }) }))),
      )
      expect(answers.filter((answered) => !answered.repeated)).toHaveLength(1)
      // Which of them a database hears first nobody knows.
      const first = ids[answers.findIndex((answered) => !answered.repeated)]
      expect(answers.filter((answered) => answered.repeated).map((answered) => answered.response)).toEqual([
        first,
        first,
      ])
      expect((await store.unfinished()).map((row) => row.id)).toEqual([first])
    })

    it('refuses the same key with another body and writes nothing', async () => {
      const store = open()
      await store.createChat(chat(), 'l', claim())
      await refusal('idempotency_mismatch', () =>
        store.startRun(newRun('msg_answer01', {}, { claim: claim({ bodyHash: 'other' }) })),
      )
      await refusal('idempotency_mismatch', () =>
        store.createChat(chat('chat_bbbbbbbb'), 'l', claim({ bodyHash: 'other' })),
      )
      expect(await store.getMessage('msg_answer01')).toBeNull()
      expect(await store.getChat('chat_bbbbbbbb')).toBeNull()
    })

    it('finds a claim before anything is written, with the same refusals', async () => {
      const store = open()
      expect(await store.findClaim(claim())).toBeNull()
      await store.createChat(chat(), 'l', claim({ response: 'first' }))
      expect(await store.findClaim(claim())).toEqual({ response: 'first' })
      await refusal('idempotency_mismatch', () => store.findClaim(claim({ bodyHash: 'other' })))
      expect(await store.findClaim(claim({ createdAt: startedAt + dayMs, bodyHash: 'other' }))).toBeNull()
    })

    it('keeps users, routes and keys apart', async () => {
      const store = open()
      await store.createChat(chat(), 'l', claim())
      const others = [claim({ userId: 'user_2' }), claim({ route: 'POST chats' }), claim({ key: 'key-2' })]
      for (const [index, other] of others.entries()) {
        expect(await store.createChat(chat(`chat_number0${index}`), 'l', other)).toEqual({ repeated: false })
      }
    })

    it('makes a chat once for one key', async () => {
      const store = open()
      await store.createChat(chat(), 'l', claim({ response: [1, 'first'] }))
      expect(await store.createChat(chat('chat_bbbbbbbb'), 'l', claim())).toEqual({
        repeated: true,
        response: [1, 'first'],
      })
      expect(await store.getChat('chat_bbbbbbbb')).toBeNull()
    })

    it('forgets a claim after 24 h, and drops old ones on request', async () => {
      const store = open()
      await store.createChat(chat(), 'l', claim())
      const almost = claim({ createdAt: startedAt + dayMs - 1 })
      expect((await store.startRun(newRun('msg_answer01', {}, { claim: almost }))).repeated).toBe(true)
      const later = claim({ createdAt: startedAt + dayMs, bodyHash: 'other', response: 'second' })
      expect(await store.startRun(newRun('msg_answer01', {}, { claim: later }))).toEqual({ repeated: false })
      await store.dropClaims(startedAt + dayMs)
      expect(await store.startRun(newRun('msg_answer02', {}, { claim: later }))).toEqual({
        repeated: true,
        response: 'second',
      })
      await store.dropClaims(startedAt + dayMs + 1)
      expect(await store.startRun(newRun('msg_answer02', {}, { claim: later }))).toEqual({ repeated: false })
    })
  })
}
