import { follow, produce } from './background.ts'
import { chatEncoder } from './chat-frames.ts'
import { embeddingsOf } from './embeddings.ts'
import type { AnswerEncoder } from './encoder.ts'
import type { Exchange } from './exchange.ts'
import { pathOf } from './matcher.ts'
import { play } from './play.ts'
import { httpError } from './replies.ts'
import { responsesEncoder } from './responses-frames.ts'
import { routeOf, type Route } from './routes.ts'
import type { Scope } from './scope.ts'
import { StoredResponse, type StoredResponses } from './stored-responses.ts'
import { refusalOf } from './validity.ts'

/** A request, and all that has a part in its answer. */
export interface Served {
  exchange: Exchange
  scope: Scope
  /** The body as it came. */
  text: string
  options: { models?: string[]; apiKey?: string }
  responses: StoredResponses
  /** Work that goes on behind the request. */
  play: (work: Promise<void>) => void
}

const NEEDS: Partial<Record<Route['name'], string[]>> = {
  chat: ['model', 'messages'],
  responses: ['model', 'input'],
  embeddings: ['model', 'input'],
}

export async function answerTo(served: Served): Promise<void> {
  const { exchange, scope, text, options } = served
  const { request } = exchange
  const route = routeOf(request.method, pathOf(request))
  const isNamed = scope.namesPath(request)
  const isModel = route.name === 'chat' || route.name === 'responses'
  if (isModel || isNamed || route.name === 'unknown' || route.name === 'wrong method') scope.arrived(request)
  if (isNamed) return playFor(served, route)

  const refusal = refusalOf(request, { text, needs: NEEDS[route.name] ?? [], apiKey: options.apiKey })
  if (refusal) return exchange.reply(refusal.status, refusal.headers ?? {}, refusal.body)
  if (isModel) return playFor(served, route)
  if (route.name === 'unknown' || route.name === 'wrong method') {
    scope.unexpected.push(request)
    return refuse(served, route.name)
  }
  return answerKept(served, route)
}

/** A path that the API does not have, in its words. */
function refuse({ exchange }: Served, why: 'unknown' | 'wrong method'): void {
  const { method } = exchange.request
  const path = exchange.outgoing.req.url
  const { status, headers, body } =
    why === 'unknown'
      ? httpError(404, `Invalid URL (${method} ${path})`, {}, { code: null })
      : httpError(405, `Not allowed to ${method} on ${path}.`, {}, { code: 'method_not_supported' })
  exchange.reply(status, headers!, body)
}

/** What a test has a script for. */
async function playFor(served: Served, route: Route): Promise<void> {
  const { exchange, scope, responses } = served
  const { request } = exchange
  const script = await scope.scriptFor(request)
  if (script === null) {
    const said = httpError(500, scope.unexpectedWords(request), {}, { type: 'fake_fault', code: 'unexpected_request' })
    return exchange.reply(500, { ...said.headers, 'x-should-retry': 'false' }, said.body)
  }
  if (script.kind !== 'answer' || route.name !== 'responses')
    return play(script, exchange, route.name === 'chat' ? chatEncoder(request, exchange.id) : undefined)

  const isBackground = request.body.background === true
  const response = new StoredResponse(responsesEncoder(request, exchange.id), request.body.input, isBackground)
  const isKept = request.body.store !== false
  if (isKept || isBackground) responses.add(response)
  if (!isBackground) {
    const encoder: AnswerEncoder = isKept ? response.encoder : responsesEncoder(request, exchange.id)
    return play(script, exchange, encoder).finally(() => response.end())
  }
  served.play(produce(script, response, exchange.closing).catch((error: unknown) => scope.fault(request, error)))
  if (request.body.stream === true) return follow(response, exchange, -1, script)
  exchange.json(200, { ...response.encoder.whole(), status: 'queued', output: [] })
}

/** What the API has without a model being asked. */
async function answerKept({ exchange, responses, options }: Served, route: Route): Promise<void> {
  const { request } = exchange
  const modelOf = (id: string) => ({ id, object: 'model', created: 1_700_000_000, owned_by: 'fake' })
  const models = options.models ?? ['fake-model']
  if (route.name === 'models') return exchange.json(200, { object: 'list', data: models.map(modelOf) })
  if (route.name === 'embeddings') return exchange.json(200, embeddingsOf(request.body))
  if (!('id' in route)) return
  if (route.name === 'model') {
    if (models.includes(route.id)) return exchange.json(200, modelOf(route.id))
    const said = httpError(404, `The model '${route.id}' does not exist`, {}, { param: 'model' })
    return exchange.reply(404, said.headers!, said.body)
  }

  const response = responses.get(route.id)
  if (!response) {
    const said = httpError(404, `Response with id '${route.id}' not found.`, {}, { code: null })
    return exchange.reply(404, said.headers!, said.body)
  }
  const query = new URLSearchParams(request.path.replace(/^[^?]*/, ''))
  switch (route.name) {
    case 'delete':
      responses.delete(route.id)
      return exchange.json(200, { id: route.id, object: 'response', deleted: true })
    case 'input_items': {
      const input = typeof response.input === 'string' ? [{ role: 'user', content: response.input }] : response.input
      const data = (input as object[]).map((item, index) => ({ type: 'message', id: `item_fake${index}`, ...item }))
      return exchange.json(200, { object: 'list', data, has_more: false })
    }
    case 'cancel':
      if (!response.isBackground) {
        const said = httpError(400, 'Cannot cancel a synchronous response.')
        return exchange.reply(400, said.headers!, said.body)
      }
      response.cancel()
      return exchange.json(200, response.encoder.whole())
    case 'response':
      if (query.get('stream') !== 'true') return exchange.json(200, response.encoder.whole())
      return follow(response, exchange, Number(query.get('starting_after') ?? -1))
  }
}
