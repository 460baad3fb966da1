/** What people saw of an answer whose words are numbered, and what must hold of it for ever. */
import { expect, onTestFinished } from 'vitest'
import { digestOf } from '../../shared/digest.ts'
import { isTerminal, type Message } from '../../shared/schema.ts'
import {
  Collector,
  type Collected,
  type FakeOpenAI,
  type Script,
  type StartedRunnel,
  type Step,
} from '../../testing/index.ts'
import type { ChildNode } from './children.ts'

/** Word `index` of the answer to a question: no two places alike, some with emoji. */
export function word(question: string, index: number): string {
  return `${question}.${index}${index % 7 === 0 ? '😀' : ''} `
}

export function wordsOf(question: string, count: number, from = 0): string {
  return Array.from({ length: count }, (_, i) => word(question, from + i)).join('')
}

/** Says so many words, `intervalMs` apart; asked to go on, it goes on with the next one. */
export function talk(
  count: number,
  intervalMs: number,
): (request: { body: { messages?: Record<string, unknown>[] } }) => Script {
  return ({ body: { messages = [] } }) => {
    const question = messages.find(({ role }) => role === 'user')!['content'] as string
    const said = messages
      .filter(({ role }) => role === 'assistant')
      .map(({ content }) => content as string)
      .join('')
    const rest = wordsOf(question, count).slice(said.length)
    const steps: Step[] = []
    for (const text of rest.match(/[^ ]* /g) ?? []) steps.push({ type: 'text', text }, { type: 'wait', ms: intervalMs })
    steps.push({ type: 'finish' })
    return { kind: 'answer', steps }
  }
}

export function textOf(message: Message): string {
  return message.output.map((block) => (block.type === 'text' ? block.text : '')).join('')
}

/** Keeps the longest text that was seen of each message; complains of one that is not a beginning of the script. */
export class Witness {
  readonly seen = new Map<string, string>()
  readonly faults: string[] = []

  readonly onUpdate = (collected: Collected): void => {
    if (collected.message.output === undefined) return
    const text = collected.text
    const longest = this.seen.get(collected.id) ?? ''
    if (text.length > longest.length) {
      if (!text.startsWith(longest))
        this.faults.push(
          `${collected.id}: ${JSON.stringify(longest.slice(-20))} became ${JSON.stringify(text.slice(-30))}`,
        )
      this.seen.set(collected.id, text)
    }
  }

  /** P1: all that was seen is there, once, in the order of the script. */
  expectKept(message: Message, question: string, count: number): void {
    const text = textOf(message)
    expect(this.faults).toEqual([])
    expect(isTerminal(message.status)).toBe(true)
    expect(wordsOf(question, count).startsWith(text)).toBe(true)
    expect(text.startsWith(this.seen.get(message.id) ?? '')).toBe(true)
  }
}

/** An answer on node A, with a viewer there and one on node B, both of which have its first twenty words. */
export async function watchedAnswer(fake: FakeOpenAI, a: StartedRunnel | ChildNode, b: StartedRunnel) {
  const stream = fake.manual()
  const { chatId, messageId } = await a.ask('q')
  await stream.request
  const witness = new Witness()
  const [own, there] = [a, b].map((node) => new Collector(node.url, { onUpdate: witness.onUpdate })) as [
    Collector,
    Collector,
  ]
  onTestFinished(async () => {
    await Promise.all([own.close(), there.close()])
  })
  const [[ownCopy], [copy]] = await Promise.all([own.follow(messageId), there.follow(messageId)])
  for (let i = 0; i < 20; i++) stream.send(word('q', i))
  await Promise.all(
    [own, there].map((viewer) =>
      viewer.until(() => viewer.documents.get(messageId)!.text === wordsOf('q', 20), 'the first words'),
    ),
  )
  return { chatId, messageId, stream, witness, own, there, ownCopy: ownCopy!, copy: copy! }
}

/** What the API of a node says once its copy has ended. */
export async function ended(node: StartedRunnel, id: string, timeout = 15_000): Promise<Message> {
  const read = async () => (await node.call('GET', `/api/messages/${id}`)).body as Message
  await expect.poll(async () => (await read()).endedAt, { timeout }).toBeTypeOf('number')
  return await read()
}

/** P2: this viewer has what the API says. */
export async function expectEqual(viewer: Collector, id: string, message: Message): Promise<void> {
  const digest = digestOf(message)
  const collected = viewer.documents.get(id)!
  await viewer.until(() => collected.digest === digest, `the copy of ${id}`, 5_000)
  expect(collected.checkpoints.filter(({ matches }) => !matches)).toEqual([])
}
