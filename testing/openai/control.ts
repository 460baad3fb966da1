/** Orders over HTTP, under `/fake/`: for programs in other languages. */
import type { Exchange } from './exchange.ts'
import { pathOf } from './matcher.ts'
import { requestLine, saidIn } from './received-request.ts'
import { wordsOf, type Scope } from './scope.ts'
import { expectFromJson } from './script-json.ts'

/** true: it was an order, and is answered. */
export function answerControl(
  exchange: Exchange,
  scope: Scope,
  text: string,
  makeScope: () => { url: string },
): boolean {
  const { request } = exchange
  const order = /^\/fake\/(.*)$/.exec(pathOf(request))?.[1]
  if (order === undefined) return false
  switch (`${request.method} ${order}`) {
    case 'POST enqueue':
      try {
        exchange.json(200, { expected: expectFromJson(scope, JSON.parse(text)) })
      } catch (error) {
        exchange.json(400, { error: { message: wordsOf(error) } })
      }
      return true
    case 'GET requests':
      exchange.json(
        200,
        scope.requests.map((one) => ({
          method: one.method,
          path: one.path,
          headers: one.headers,
          body: one.body,
          ...saidIn(one),
          hungUp: one.hungUpAt !== undefined,
          unexpected: scope.unexpected.includes(one),
          line: requestLine(one),
        })),
      )
      return true
    case 'POST reset':
      scope.reset()
      exchange.json(200, {})
      return true
    case 'GET done':
      try {
        scope.done()
        exchange.json(200, {})
      } catch (error) {
        exchange.json(409, { error: { message: wordsOf(error) } })
      }
      return true
    case 'POST scope': {
      const { url } = makeScope()
      exchange.json(200, { url, control: url.replace(/v1$/, 'fake') })
      return true
    }
    default:
      exchange.json(404, {
        error: { message: 'There are POST enqueue, GET requests, POST reset, GET done and POST scope.' },
      })
      return true
  }
}
