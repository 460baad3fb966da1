/**
 * A model server as strict as the documented rules of OpenAI and DeepSeek, and
 * of chat templates that demand turns: it says why it refuses a request.
 */
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'

type Fields = Record<string, any>

class Refusal extends Error {}

function demand(isSo: unknown, sentence: string): asserts isSo {
  if (!isSo) throw new Refusal(sentence)
}

/** Why a body is refused; null: it is not. `turns`: roles alternate, and only the first message may be a system one. */
export function refusalOf(api: 'chat' | 'responses', body: unknown, turns = false): string | null {
  try {
    demand(isFields(body), 'The body is no object.')
    demand(typeof body.model === 'string' && body.stream === true, 'model and stream are wrong.')
    wellFormed(body)
    tools(body, api)
    if (api === 'chat') chatMessages(body.messages)
    else inputItems(body.input)
    if (turns) alternate(api === 'chat' ? body.messages : body.input)
    return null
  } catch (error) {
    if (error instanceof Refusal) return error.message
    throw error
  }
}

export interface StrictUpstream {
  url: string
  /** Why requests were refused. */
  refusals: string[]
  served: number
  close(): Promise<void>
}

export async function startStrictUpstream(): Promise<StrictUpstream> {
  const server = createServer((incoming, outgoing) => {
    let text = ''
    incoming.setEncoding('utf8').on('data', (part: string) => (text += part))
    incoming.on('end', () => {
      const api = incoming.url!.endsWith('/responses') ? 'responses' : 'chat'
      const refusal = refusalOf(api, JSON.parse(text), incoming.url!.startsWith('/turns'))
      upstream.served += 1
      if (refusal !== null) {
        upstream.refusals.push(refusal)
        outgoing.writeHead(400, { 'content-type': 'application/json' })
        outgoing.end(JSON.stringify({ error: { message: refusal } }))
        return
      }
      outgoing.writeHead(200, { 'content-type': 'text/event-stream' })
      outgoing.end(api === 'chat' ? chatAnswer : responsesAnswer)
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const upstream: StrictUpstream = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    refusals: [],
    served: 0,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
  return upstream
}

const frame = (value: object) => `data: ${JSON.stringify(value)}\n\n`
const chatAnswer =
  frame({ choices: [{ index: 0, delta: { content: 'Yes.' }, finish_reason: 'stop' }] }) + 'data: [DONE]\n\n'
const responsesAnswer = frame({
  type: 'response.completed',
  response: { status: 'completed', output: [{ type: 'message', content: [{ type: 'output_text', text: 'Yes.' }] }] },
})

const fittingName = /^[A-Za-z0-9_-]{1,64}$/

function tools(body: Fields, api: string): void {
  const names: string[] = []
  if ('tools' in body) {
    demand(Array.isArray(body.tools) && body.tools.length > 0, 'tools: too short.')
    for (const tool of body.tools) {
      const { name } = api === 'chat' ? tool.function : tool
      demand(fittingName.test(name), `tools: the name ${JSON.stringify(name)} does not match.`)
      demand(!names.includes(name), 'tools: a name comes twice.')
      names.push(name)
    }
  }
  const choice = body.tool_choice
  if (isFields(choice))
    demand(names.includes(api === 'chat' ? choice.function.name : choice.name), 'tool_choice: there is no such tool.')
}

function chatMessages(messages: unknown): void {
  demand(Array.isArray(messages) && messages.length > 0, 'messages: too short.')
  const ids = new Set<string>()
  let open: string[] = []
  for (const message of messages as Fields[]) {
    const { role, content, tool_calls: calls } = message
    if (role !== 'tool') demand(open.length === 0, 'A call has no result behind it.')
    switch (role) {
      case 'system':
      case 'user':
        demand(hasWords(content), `A ${role} message is empty.`)
        break
      case 'assistant':
        if (calls === undefined) demand(hasWords(content), 'An assistant message has neither content nor calls.')
        else {
          demand(content === null || hasWords(content), 'The content of a message with calls is empty, not null.')
          demand(Array.isArray(calls) && calls.length > 0, 'tool_calls: too short.')
          for (const { id, type, function: called } of calls) {
            demand(type === 'function', 'A call has no type.')
            demand(typeof id === 'string' && id.length > 0 && id.length <= 40, `The id ${id} is too long, or none.`)
            demand(!ids.has(id), 'An id comes twice.')
            ids.add(id)
            callOf(called)
            open.push(id)
          }
        }
        if ('reasoning_content' in message) demand(message.reasoning_content, 'reasoning_content is empty.')
        break
      case 'tool':
        demand(open.includes(message.tool_call_id), 'A result has no call before it.')
        open = open.filter((id) => id !== message.tool_call_id)
        demand(typeof content === 'string' && content.trim() !== '', 'A result is empty.')
        break
      default:
        throw new Refusal(`There is no role ${role}.`)
    }
  }
  demand(open.length === 0, 'A call has no result.')
}

function inputItems(input: unknown): void {
  demand(Array.isArray(input) && input.length > 0, 'input: too short.')
  const open = new Map<string, string>()
  const ids = new Set<string>()
  let afterReasoning = false
  for (const item of input as Fields[]) {
    const type = item.type ?? 'message'
    if (type === 'reasoning') {
      demand(typeof item.encrypted_content === 'string', 'A reasoning item is not known here.')
      afterReasoning = true
      continue
    }
    if (afterReasoning)
      demand(
        item.role === 'assistant' || type === 'function_call' || type === 'custom_tool_call',
        'Reasoning came without the item that it led to.',
      )
    afterReasoning = false
    if (type === 'message') {
      demand(['system', 'user', 'assistant'].includes(item.role), 'There is no such role.')
      demand(hasWords(item.content), `A ${item.role} message is empty.`)
    } else if (type === 'function_call' || type === 'custom_tool_call') {
      demand(typeof item.call_id === 'string' && /^.{1,64}$/.test(item.call_id), 'A call_id is too long, or none.')
      demand(!ids.has(item.call_id), 'A call_id comes twice.')
      ids.add(item.call_id)
      if (type === 'function_call') callOf(item)
      else demand(fittingName.test(item.name) && typeof item.input === 'string', 'A custom call is wrong.')
      open.set(item.call_id, type)
    } else if (type === 'function_call_output' || type === 'custom_tool_call_output') {
      demand(`${open.get(item.call_id)}_output` === type, 'A result has no call before it, or one of another type.')
      open.delete(item.call_id)
      demand(typeof item.output === 'string' && item.output.trim() !== '', 'A result is empty.')
    } else throw new Refusal(`There is no item ${type}.`)
  }
  demand(!afterReasoning, 'Reasoning came last.')
  demand(open.size === 0, 'A call has no result.')
}

function alternate(entries: readonly Fields[]): void {
  let before = ''
  for (const [index, { role, type = '' }] of entries.entries()) {
    const now = role === 'tool' || String(type).endsWith('_output') ? 'tool' : (role ?? 'assistant')
    if (now === 'system') demand(index === 0, 'A system message is not the first.')
    if (now === 'user')
      demand(['', 'system', 'assistant'].includes(before), `Roles do not alternate: user after ${before}.`)
    if (now === 'assistant' && role)
      demand(
        // Calls and reasoning of Responses are items of the same turn.
        before === 'user' || before === 'tool' || entries[index - 1]?.role === undefined,
        `Roles do not alternate: assistant after ${before}.`,
      )
    before = now
  }
}

function callOf({ name, arguments: args }: Fields): void {
  demand(typeof name === 'string' && fittingName.test(name), `The name ${JSON.stringify(name)} does not match.`)
  try {
    demand(isFields(JSON.parse(args)), 'Arguments are no object.')
  } catch {
    throw new Refusal(`Arguments are no JSON object: ${args}`)
  }
}

function hasWords(content: unknown): boolean {
  if (typeof content === 'string') return content.trim() !== ''
  if (!Array.isArray(content) || content.length === 0) return false
  return content.every((part) => !('text' in part) || part.text.trim() !== '')
}

function wellFormed(value: unknown): void {
  if (typeof value === 'string') demand(value.isWellFormed(), 'A text is no Unicode.')
  else if (typeof value === 'object' && value !== null) for (const inner of Object.values(value)) wellFormed(inner)
}

function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
