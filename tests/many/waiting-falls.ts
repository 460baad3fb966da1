/** A node is killed at a call of its store while messages wait: each is sent once, in order, behind the one before. */
import { expect, onTestFinished, test } from 'vitest'
import { readChat, isTerminal, type Message, type WaitingEntry } from '../../shared/schema.ts'
import { Collector, type FakeOpenAI } from '../../testing/index.ts'
import { seededRandom } from '../../testing/openai/index.ts'
import { ChildNode } from './children.ts'
import type { Fall } from './falling-store.ts'

/** The calls at which the state of a line may be half made. `nth` counts those of the first kind. */
const falls: Fall[] = [
  { method: 'endRun', when: 'after', nth: 1 },
  { method: 'takeWaiting', when: 'after', nth: 1 },
  { method: 'endRun', when: 'before', nth: 1 },
  { method: 'endListed', when: 'before', nth: 1 },
  { method: 'takeWaiting', when: 'before', nth: 1 },
  { method: 'waitingListed', when: 'before', nth: 1 },
  { method: 'waitingListed', when: 'after', nth: 2 },
  { method: 'waitingListed', when: 'before', nth: 3 },
  { method: 'putWaiting', when: 'before', nth: 2 },
  { method: 'putWaiting', when: 'after', nth: 2 },
  { method: 'takeWaiting', when: 'after', nth: 2 },
  { method: 'endRun', when: 'after', nth: 2 },
]

const nameOf = ({ method, when, nth }: Fall) => `${when} ${method}, ${nth}`

interface Node {
  url: string
  call(method: string, path: string, body?: object): Promise<{ status: number; body: any }>
}

/** The call or the moment at which a node falls. */
export type How = Fall | { afterMs: number }

/** A test a call, as many as RUNNEL_TEST_KILLS (1); where that is more than there are, one a moment as well. */
export function testFalls(what: string, who: string, once: (how: How) => Promise<void>): void {
  const kills = Number(process.env.RUNNEL_TEST_KILLS ?? 1)
  const named = falls.slice(0, kills).map((how) => [nameOf(how), how] as const)
  test.each(named)(`${what} that is killed %s: ${who} sends what waits, once`, { timeout: 90_000 }, (_name, how) =>
    once(how),
  )
  if (kills <= falls.length) return
  const timed = [...moments(kills)].map((how) => [how.afterMs, how] as const)
  test.each(timed)(`${what} that is killed at any moment: %i ms`, { timeout: 90_000 }, (_ms, how) => once(how))
}

/** Asks 1, lets 2 and 3 wait, and ends 1; what was killed by then is asked of the next. */
export async function fall(
  fake: FakeOpenAI,
  settings: object,
  next: (first: ChildNode) => Promise<Node>,
  how: How,
): Promise<void> {
  const child = await new ChildNode().start({ ...settings, ...('method' in how && { FALL: how }) })
  const chatId = (await child.call('POST', '/api/chats', {})).body.id as string
  const path = `/api/chats/${chatId}/messages`
  const stream = fake.manual()
  expect((await child.call('POST', path, { content: 'q1' })).status).toBe(202)
  await stream.request
  stream.send('One. ')
  let node: Node = child
  // The same key as before the fall: whatever has become of it, it is said once.
  const queue = async (content: string) => {
    const body = JSON.stringify({ content, whenBusy: 'queue' })
    const headers = { 'content-type': 'application/json', 'idempotency-key': content }
    const answer = await fetch(node.url + path, { method: 'POST', headers, body }).catch(() => null)
    return answer?.ok ? ((await answer.json()) as { userMessageId: string }) : null
  }
  const first = { q2: await queue('q2'), q3: await queue('q3') }
  if ('afterMs' in how) setTimeout(() => void child.kill(), how.afterMs)
  stream.end()
  await child.exited
  node = await next(child)
  for (const content of ['q2', 'q3'] as const) {
    await expect
      .poll(async () => (await queue(content))?.userMessageId, { timeout: 20_000 })
      .toEqual(first[content]?.userMessageId ?? expect.stringMatching(/^msg_/))
  }
  const history = async () => (await node.call('GET', `${path}?limit=200`)).body.items as Message[]
  const waiting = async () => (await node.call('GET', `/api/chats/${chatId}/waiting`)).body.items as WaitingEntry[]
  await expect
    .poll(
      async () => {
        const messages = await history()
        return [(await waiting()).length, messages.length, messages.every(({ status }) => isTerminal(status))]
      },
      { timeout: 60_000, interval: 20 },
    )
    .toEqual([0, 6, true])
  const messages = await history()
  const questions = messages.filter(({ role }) => role === 'user')
  expect(questions.map(wordsOf)).toEqual(['q1', 'q2', 'q3'])
  const answerOf = (question: Message) =>
    messages.filter(({ parentId }) => parentId === question.id).map(({ id }) => id)
  expect(questions.map(({ parentId }) => parentId)).toEqual([
    null,
    ...questions.slice(0, 2).map((one) => answerOf(one)[0]),
  ])
  expect(
    questions.map((question) => answerOf(question).filter((id) => !questions.some((one) => one.id === id)).length),
  ).toEqual([1, 1, 1])
  // Nobody has paid for an answer twice, unless it broke off.
  for (const question of questions) {
    const asked = fake.requests.filter(({ body }) => body.messages?.at(-1)?.content === wordsOf(question)).length
    expect(asked, wordsOf(question)).toBeLessThanOrEqual(1)
  }
  const viewer = new Collector(node.url)
  onTestFinished(() => viewer.close())
  const [copy] = await viewer.follow(chatId)
  await viewer.until(() => {
    const { chat, messages: listed } = readChat(copy!.doc)
    return chat.waiting === undefined && messages.every(({ id, status }) => listed[id]?.status === status)
  }, 'the document of the chat')
  expect(Object.keys(readChat(copy!.doc).messages).toSorted()).toEqual(messages.map(({ id }) => id).toSorted())
}

function wordsOf({ output }: Message): string {
  return output.map((block) => (block.type === 'text' ? block.text : '')).join('')
}

/** Moments at which a process is killed from outside, ms after the end of the first answer. */
function* moments(count: number): Generator<{ afterMs: number }> {
  const seed = Number(process.env['RUNNEL_FUZZ_SEED'] ?? Math.floor(Math.random() * 1e9))
  if (count > 0) console.log(`seed ${seed}`)
  const random = seededRandom(seed)
  for (let i = 0; i < count; i += 1) yield { afterMs: Math.floor(random() * 60) }
}
