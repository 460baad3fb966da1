import { jsonPieces } from '../../../shared/json-pieces.ts'
import type { Json, Message } from '../../../shared/schema.ts'
import { Breath } from '../../waiting/breath.ts'
import { isBusyRendering, type HtmlRenderer, type RenderCaller } from '../render/rendering.ts'
import { retried } from '../../waiting/retry.ts'
import { escapeHtml } from '../render/escape.ts'
import { pageFoot, pageHead } from '../render/html.ts'
import { messageMarkdown, plain } from '../render/markdown.ts'

export interface ToWrite {
  chat: { [field: string]: Json }
  messages: AsyncGenerator<Message, void>
  html: HtmlRenderer
  caller: RenderCaller
}

export interface Format {
  type: string
  extension: string
  write: (what: ToWrite) => AsyncGenerator<string, void>
}

export const formats: Readonly<Record<'markdown' | 'json' | 'html', Format>> = {
  markdown: { type: 'text/markdown', extension: 'md', write: markdown },
  json: { type: 'application/json', extension: 'json', write: json },
  html: { type: 'text/html', extension: 'html', write: html },
}

async function* json({ chat, messages }: ToWrite): AsyncGenerator<string, void> {
  const breath = new Breath()
  let before = `{"chat":${JSON.stringify(chat)},"messages":[\n`
  for await (const message of messages) {
    yield before
    for (const piece of jsonPieces(message)) {
      yield piece
      await breath.due()
    }
    before = ',\n'
  }
  yield before.startsWith('{') ? `${before}]}\n` : '\n]}\n'
}

async function* markdown({ chat, messages }: ToWrite): AsyncGenerator<string, void> {
  yield `# ${plain(String(chat['title']))}\n`
  for await (const { message, heading } of headed(messages))
    yield `\n---\n\n## ${plain(heading)}\n\n${messageMarkdown(message)}`
}

/** Messages that many people ask for at once wait their turn, however long. */
const turnBackOff = { firstMs: 100, longestMs: 2_000, again: isBusyRendering }

async function* html({ chat, messages, html, caller }: ToWrite): AsyncGenerator<string, void> {
  const title = String(chat['title'])
  yield `${pageHead(title)}<h1>${escapeHtml(title)}</h1>\n`
  for await (const { message, heading } of headed(messages)) {
    const article = await retried(() => html.article(async () => message, caller), {
      ...turnBackOff,
      signal: caller.signal,
    })
    // They hung up.
    if (article === null) return
    yield `<h2>${escapeHtml(heading)}</h2>\n${article}\n`
  }
  yield pageFoot
}

/** Each message with its number and what there is to say of it: `3. Answer to 1 · gpt-5 · 2026-11-29 23:50 UTC`. */
async function* headed(messages: AsyncGenerator<Message, void>): AsyncGenerator<{ message: Message; heading: string }> {
  const numbers = new Map<string, number>()
  for await (const message of messages) {
    const number = numbers.size + 1
    numbers.set(message.id, number)
    const { parentId, role, model, status, createdAt } = message
    const parent = parentId === null ? undefined : numbers.get(parentId)
    // Where branches part it stands behind another one.
    const behind =
      parent === undefined || parent === number - 1 ? '' : ` ${role === 'user' ? 'behind' : 'to'} ${parent}`
    const parts = [
      `${number}. ${role === 'user' ? 'Question' : 'Answer'}${behind}`,
      ...(model === undefined ? [] : [model]),
      `${new Date(createdAt).toISOString().slice(0, 16).replace('T', ' ')} UTC`,
      ...(status === 'completed' ? [] : [status]),
    ]
    yield { message, heading: parts.join(' · ') }
  }
}
