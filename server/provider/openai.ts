/** Providers that speak the OpenAI API, either of the two, at any base URL. */
import { RunnelError } from '../../shared/errors.ts'
import type { JsonObject } from '../../shared/schema.ts'
import { addressSecrets, headerSecrets, redactor } from '../secrets/secrets.ts'
import { originalNames } from './call-names.ts'
import { chatBody, type SendReasoning } from './chat-request.ts'
import { userHeader, withDefaults } from './defaults.ts'
import type { DescribedProvider, Provider, ProviderEvent, ProviderRequest } from './events.ts'
import { shownFailure } from './failures.ts'
import { modelsOf } from './model-facts.ts'
import { readModels } from './model-list.ts'
import { ChatMapper } from './openai-chat.ts'
import { openStream } from './openai-http.ts'
import { ResponsesMapper } from './openai-responses.ts'
import { marked, originOf, type Origin } from './origin.ts'
import { responsesBody } from './responses-request.ts'
import { readStream } from './stream.ts'
import { unknownPaths } from './unknown-paths.ts'
import { Upstream } from './upstream.ts'

export interface OpenAIOptions {
  /** None: no Authorization header is sent. */
  apiKey?: string
  /** Default: https://api.openai.com/v1 */
  baseURL?: string
  /** `auto`: Responses for api.openai.com, else Chat Completions. */
  api: 'auto' | 'chat' | 'responses'
  /** A provider that is silent for so long while it is awaited has failed. */
  idleMs: number
  /** Further attempts before the first byte of an answer (429, 5xx, no connection). Default 2. */
  maxRetries?: number
  /** Of what a stream says for its end only (`reasoning_details`): more fails the answer. Default: no limit. */
  maxHeldBytes?: number
  /** Sent with each request; hidden like the key. */
  headers?: Readonly<Record<string, string>>
  /** Of each request: its own stand over them. */
  params?: JsonObject
  /** The field in which it is told who asks. */
  userField?: string
  /** The header in which it is told who asks. */
  userHeader?: string
  /** An answer of which only signs of life came for so long (comments, pings) has failed. Default: no limit but `idleMs`. */
  commentMs?: number
  /** Tags that open thoughts in the text. Default: `<think>` and its like. */
  thinkTags?: readonly string[]
  /** For models whose chat template demands that roles alternate: neighbours of one role become one message. */
  strictTurns?: boolean
  /** With which answers unsigned reasoning goes back to the model that it came from. Default: `run`, the calls of the same run. */
  sendReasoning?: SendReasoning
  /** Told of what came and is not understood, by its path; it is ignored. */
  onUnknownEvent?: (path: string) => void
}

const defaultBaseURL = 'https://api.openai.com/v1'

/**
 * Its iterations throw RunnelError (`provider_…`) or the reason of the signal.
 * Leaving one, or the signal, aborts the HTTP request at once.
 */
export function openaiProvider(options: OpenAIOptions): DescribedProvider {
  const baseURL = options.baseURL ?? defaultBaseURL
  const api =
    options.api === 'auto' ? (new URL(baseURL).hostname === 'api.openai.com' ? 'responses' : 'chat') : options.api
  const connection = { apiKey: options.apiKey, baseURL, idleMs: options.idleMs, maxRetries: options.maxRetries ?? 2 }
  const secrets = [
    ...(options.apiKey === undefined ? [] : [options.apiKey]),
    ...addressSecrets(baseURL),
    ...headerSecrets(options.headers),
  ]
  const redact = redactor(secrets)
  const shown = (failure: unknown) => shownFailure(failure, redact)
  const onUnknown = unknownPaths(redact, (path) => options.onUnknownEvent?.(path))
  const reading = { shown, ...(options.commentMs !== undefined && { commentMs: options.commentMs }) }

  const connectionFor = (request: ProviderRequest) => ({
    ...connection,
    headers: { ...options.headers, ...userHeader(options.userHeader, request.user) },
  })

  /** The generator that does it all is the one that is read: each layer would cost every event a few promises. */
  const run = (request: ProviderRequest, upstream: Upstream): AsyncGenerator<ProviderEvent> => {
    const here = originOf(baseURL, request.model, redact)
    const read = { ...reading, taken: takenBy(here, request) }
    const bodyOptions = {
      here,
      strictTurns: options.strictTurns ?? false,
      sendReasoning: options.sendReasoning ?? 'run',
    }
    return api === 'chat'
      ? readStream(
          () =>
            openStream(
              connectionFor(request),
              '/chat/completions',
              chatBody(request, bodyOptions),
              upstream,
              request.requestId,
            ),
          new ChatMapper(onUnknown, options),
          upstream,
          read,
        )
      : readStream(
          () =>
            openStream(
              connectionFor(request),
              '/responses',
              responsesBody(request, bodyOptions),
              upstream,
              request.requestId,
            ),
          new ResponsesMapper(onUnknown, options),
          upstream,
          read,
        )
  }

  const provider: Provider = (request, signal) => ({
    [Symbol.asyncIterator]() {
      const upstream = new Upstream(signal)
      const events = run(withDefaults(request, options), upstream)
      return {
        next: () => events.next(),
        // A generator that waits for the network hears of its return only afterwards.
        return: () => {
          upstream.close()
          return events.return(undefined)
        },
      }
    },
  })
  const list = async (signal: AbortSignal) => {
    const { apiKey, headers } = options
    const sent = { ...(apiKey !== undefined && { authorization: `Bearer ${apiKey}` }), ...headers }
    const models = modelsOf(await readModels(baseURL, sent, signal))
    if (!models) throw new RunnelError('provider_bad_response', 'What it answers to GET /models is no list of models.')
    return models
  }
  return Object.assign(provider, { list, secrets })
}

/** Events as the run takes them: what is to go back says whose it is, and calls have the names that their tools have here. */
function takenBy(here: Origin, { tools }: ProviderRequest): (event: ProviderEvent) => ProviderEvent {
  const originals = originalNames(tools)
  return (event) => {
    if (event.type === 'provider_data') return { ...event, data: marked(event.data, here) }
    if (originals.size === 0) return event
    if (event.type === 'block_start' && event.block.type === 'tool_call') {
      const { name } = event.block
      return { ...event, block: { ...event.block, name: originals.get(name) ?? name } }
    }
    if (event.type === 'block_set' && typeof event.fields.name === 'string') {
      const { name } = event.fields
      return { ...event, fields: { ...event.fields, name: originals.get(name) ?? name } }
    }
    return event
  }
}
