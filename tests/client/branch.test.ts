import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { nothingShown, showBranch, type Shown } from '../../client/branch.ts'
import { branch, siblings, type BranchMessage, type ChatMessage } from '../../client/index.ts'
import { chatMessages } from '../../shared/schema.ts'
import { chatId, eventually, startClient, startServer } from './fixtures.ts'
import { message, say, tree } from './trees.ts'

const idsOf = (list: readonly BranchMessage[]) => list.map((entry) => entry.message.id)
const without = (...ids: string[]) => tree.filter(({ id }) => !ids.includes(id))

describe('branches', () => {
  test('the newest message decides which branch is shown', () => {
    expect(branch(tree)).toEqual(['q1', 'a1', 'q3', 'a3'])
    expect(branch([...tree, message('q4', 'a1b', 9)])).toEqual(['q1', 'a1b', 'q4'])
  })

  test('a question and its answer of the same millisecond are one branch', () => {
    expect(branch([message('z', null, 1), message('a', 'z', 1)])).toEqual(['z', 'a'])
  })

  test('a chosen message keeps its branch and goes on with what is newest below it', () => {
    expect(branch(tree, 'q2')).toEqual(['q1', 'a1', 'q2', 'a2'])
    expect(branch(tree, 'q1')).toEqual(['q1', 'a1b'])
    expect(branch(tree, 'gone')).toEqual(branch(tree))
  })

  test('an empty chat has an empty one', () => {
    expect(branch([])).toEqual([])
    expect(showBranch([], []).list).toEqual([])
  })

  test('siblings answer the same parent, oldest first', () => {
    expect(siblings(tree, 'a1b')).toEqual(['a1', 'a1b'])
    expect(siblings(tree, 'q3')).toEqual(['q2', 'q3'])
    expect(siblings(tree, 'gone')).toEqual([])
  })

  test('messages whose parents are not there are roots, and siblings', () => {
    const orphans = [message('a', 'deleted', 1), message('b', null, 2)]
    expect(siblings(orphans, 'b')).toEqual(['a', 'b'])
    expect(showBranch(orphans, ['a']).list).toMatchObject([{ siblings: ['a', 'b'], index: 0 }])
  })

  test('a chat of 20,000 messages in one line is shown', () => {
    const deep = Array.from({ length: 20_000 }, (_, index) =>
      message(`m${index}`, index === 0 ? null : `m${index - 1}`, index),
    )
    const { list } = showBranch(deep, ['m5'])
    expect(list).toHaveLength(20_000)
    expect(list.at(-1)).toMatchObject({ message: { id: 'm19999' }, siblings: ['m19999'], index: 0 })
  })
})

describe('the branch on show', () => {
  test('tells of each message what could stand in its place', () => {
    expect(showBranch(tree, []).list.map(({ message, siblings, index }) => [message.id, siblings, index])).toEqual([
      ['q1', ['q1'], 0],
      ['a1', ['a1', 'a1b'], 0],
      ['q3', ['q2', 'q3'], 1],
      ['a3', ['a3'], 0],
    ])
  })

  test('a choice is kept with the way to it, and forgotten where it is the newest anyway', () => {
    expect(showBranch(tree, ['q2']).choice).toEqual(['q1', 'a1', 'q2'])
    expect(showBranch(tree, ['q3'])).toEqual(showBranch(tree, []))
  })

  test('when what was chosen is deleted the branch goes on from what is left above', () => {
    const before = showBranch(tree, ['a2'])
    const older = message('a2b', 'q2', 2)
    expect(idsOf(showBranch([...without('a2'), older], before.choice, before).list)).toEqual(['q1', 'a1', 'q2', 'a2b'])
    expect(idsOf(showBranch(without('a2', 'q2'), before.choice, before).list)).toEqual(['q1', 'a1', 'q3', 'a3'])
    expect(showBranch([message('other', null, 1)], before.choice, before)).toMatchObject({
      list: [{ message: { id: 'other' } }],
      choice: [],
    })
  })

  test('a choice outlives a moment without messages', () => {
    const before = showBranch(tree, ['a2'])
    const empty = showBranch([], before.choice, before)
    expect(idsOf(showBranch(tree, empty.choice, empty).list)).toEqual(idsOf(before.list))
  })

  test('what did not change is the same object, the list as a whole too', () => {
    const before = showBranch(tree, [])
    const again = showBranch([...tree], before.choice, before)
    expect(again.list).toBe(before.list)
    const grown = showBranch([...tree, message('q3b', 'a1', 4)], before.choice, before).list
    expect(grown[0]).toBe(before.list[0])
    expect(grown[2]).toMatchObject({ message: { id: 'q3' }, siblings: ['q2', 'q3b', 'q3'], index: 2 })
    expect(grown[3]).toBe(before.list[3])
  })
})

test('whatever is said, deleted and chosen: one branch, root to leaf, with all siblings, through what was chosen last', () => {
  const step = fc.oneof(
    { weight: 3, arbitrary: fc.record({ type: fc.constant('say' as const), at: fc.nat(), time: fc.nat(20) }) },
    { weight: 1, arbitrary: fc.record({ type: fc.constant('delete' as const), at: fc.nat(), time: fc.nat() }) },
    { weight: 2, arbitrary: fc.record({ type: fc.constant('choose' as const), at: fc.nat(), time: fc.nat() }) },
  )
  fc.assert(
    fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
      let messages: ChatMessage[] = []
      let shown: Shown = nothingShown
      for (const [number, { type, at, time }] of steps.entries()) {
        const picked = messages[at % (messages.length + 1)]
        const before = shown
        if (type === 'say') {
          messages = [...messages, message(`m${number}`, picked?.id ?? null, time)]
          shown = showBranch(messages, shown.choice, shown)
        } else if (type === 'delete') {
          const gone = new Set(picked && [picked.id])
          for (const { id, parentId } of messages) if (parentId !== null && gone.has(parentId)) gone.add(id)
          messages = messages.filter(({ id }) => !gone.has(id))
          shown = showBranch(messages, shown.choice, shown)
          // Of the way to what was chosen, all that is left is still shown.
          if (shown.choice.length > 0)
            expect(idsOf(shown.list)).toEqual(
              expect.arrayContaining(before.choice.filter((id) => messages.some((left) => left.id === id))),
            )
        } else if (picked) {
          shown = showBranch(messages, [...idsOf(shown.list), picked.id], shown)
          expect(idsOf(shown.list)).toContain(picked.id)
        }
        const ids = idsOf(shown.list)
        expect(shown.list.map((entry) => entry.message.parentId)).toEqual(
          ids.length === 0 ? [] : [null, ...ids.slice(0, -1)],
        )
        expect(messages.some(({ parentId }) => parentId === ids.at(-1))).toBe(false)
        expect(messages.length > 0).toBe(ids.length > 0)
        if (shown.choice.length === 0) expect(ids).toEqual(branch(messages))
        for (const {
          message: { id, parentId },
          siblings: all,
          index,
        } of shown.list) {
          expect(all[index]).toBe(id)
          expect(all.toSorted()).toEqual(
            messages
              .filter((other) => other.parentId === parentId)
              .map((other) => other.id)
              .toSorted(),
          )
        }
        expect(showBranch([...messages], shown.choice, shown)).toEqual(shown)
        expect(showBranch([...messages], shown.choice, shown).list).toBe(shown.list)
        for (const [index, entry] of shown.list.entries()) {
          const old = before.list[index]
          if (old && JSON.stringify(old) === JSON.stringify(entry) && old.message === entry.message)
            expect(entry).toBe(old)
        }
      }
    }),
    { numRuns: 300 },
  )
})

describe('a live branch', () => {
  async function following() {
    const server = await startServer()
    server.serve(chatId, (doc) => {
      for (const { id, parentId, createdAt } of tree) say(doc, id, parentId, createdAt)
    })
    const client = startClient(server)
    const { branch: live } = client.chat(chatId)
    expect(live.getSnapshot()).toEqual([])
    let calls = 0
    const stop = live.subscribe(() => {
      calls++
    })
    await eventually(() => expect(live.getSnapshot()).toHaveLength(4))
    return { server, client, live, stop, calls: () => calls }
  }
  const shows = (live: { getSnapshot: () => readonly BranchMessage[] }, ids: string[]) =>
    eventually(() => expect(idsOf(live.getSnapshot())).toEqual(ids))

  test('follows the newest until something is chosen; who asks for a branch of their own chooses apart', async () => {
    const { server, client, live, calls } = await following()
    const other = client.chat(chatId).ownBranch()
    other.subscribe(() => {})
    const before = calls()
    live.choose('q2')
    expect(calls()).toBe(before + 1)
    expect(idsOf(live.getSnapshot())).toEqual(['q1', 'a1', 'q2', 'a2'])
    expect(idsOf(other.getSnapshot())).toEqual(['q1', 'a1', 'q3', 'a3'])
    server.edit(chatId, (doc) => say(doc, 'q4', 'a3', 9))
    await shows(other, ['q1', 'a1', 'q3', 'a3', 'q4'])
    await shows(live, ['q1', 'a1', 'q2', 'a2'])
    live.choose('q3')
    server.edit(chatId, (doc) => say(doc, 'a4', 'a1b', 10))
    await shows(live, ['q1', 'a1b', 'a4'])
  })

  test('shows what was chosen before it came, and goes on from above when it is deleted', async () => {
    const { server, live } = await following()
    live.choose('a2')
    const before = live.getSnapshot()
    live.choose('a2b')
    expect(live.getSnapshot()).toBe(before)
    server.edit(chatId, (doc) => say(doc, 'a2b', 'q2', 4))
    await shows(live, ['q1', 'a1', 'q2', 'a2b'])
    server.edit(chatId, (doc) => chatMessages(doc).delete('a2b'))
    await shows(live, ['q1', 'a1', 'q2', 'a2'])
  })

  test('hides a message with what answers it until it is asked for again, also while nobody follows the chat', async () => {
    const { client, live, stop, calls } = await following()
    const showQuestion = live.hide('q3')
    expect(calls()).toBe(2)
    expect(live.getSnapshot().map(({ message: { id }, siblings }) => [id, siblings.length])).toEqual([
      ['q1', 1],
      ['a1b', 2],
    ])
    live.choose('q2')
    const showOther = live.hide('q2')
    expect(idsOf(live.getSnapshot())).toEqual(['q1', 'a1'])
    stop()
    const again = client.chat(chatId).branch
    again.subscribe(() => {})
    await shows(again, ['q1', 'a1'])
    showOther()
    showOther()
    expect(idsOf(again.getSnapshot())).toEqual(['q1', 'a1', 'q2', 'a2'])
    const showAll = again.hide('q1')
    expect(again.getSnapshot()).toEqual([])
    showAll()
    showQuestion()
    again.choose('a3')
    expect(idsOf(again.getSnapshot())).toEqual(['q1', 'a1', 'q3', 'a3'])
  })

  test('is the same list while nothing of it changes, and calls nobody after its stop', async () => {
    const { server, client, live, stop, calls } = await following()
    const before = live.getSnapshot()
    server.edit(chatId, (doc) => chatMessages(doc).get('a2')!.set('status', 'failed'))
    const watching = client.chat(chatId)
    watching.subscribe(() => {})
    await eventually(() =>
      expect(watching.getSnapshot().messages.find(({ id }) => id === 'a2')).toMatchObject({ status: 'failed' }),
    )
    expect(live.getSnapshot()).toBe(before)
    stop()
    const count = calls()
    live.choose('q2')
    expect(calls()).toBe(count)
  })
})
