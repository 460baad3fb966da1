import type { ReceivedRequest } from './received-request.ts'
import { httpError } from './replies.ts'
import type { Script } from './script.ts'

type Reply = Extract<Script, { kind: 'reply' }>

/** What OpenAI refuses before a model is asked, in its words; null for a request that it takes. */
export function refusalOf(
  request: ReceivedRequest,
  { text, needs, apiKey }: { text: string; needs: readonly string[]; apiKey: string | undefined },
): Reply | null {
  const { headers, body } = request
  if (apiKey !== undefined && headers.authorization !== `Bearer ${apiKey}`)
    return headers.authorization === undefined
      ? httpError(401, "You didn't provide an API key.", {}, { code: null })
      : httpError(401, `Incorrect API key provided: ${headers.authorization.replace(/^Bearer /, '')}.`)
  if (request.method !== 'POST') return null
  if (needs.length === 0) return null
  if (!isObject(text))
    return httpError(
      400,
      'We could not parse the JSON body of your request. (HINT: This likely means you aren’t using your HTTP library correctly. The OpenAI API expects a JSON payload, but what was sent was not valid JSON.)',
    )
  for (const field of needs) {
    if (body[field] !== undefined && body[field] !== null) continue
    return field === 'model'
      ? httpError(400, 'you must provide a model parameter')
      : httpError(
          400,
          `Missing required parameter: '${field}'.`,
          {},
          { code: 'missing_required_parameter', param: field },
        )
  }
  return null
}

function isObject(text: string): boolean {
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null && !Array.isArray(value)
  } catch {
    return false
  }
}
