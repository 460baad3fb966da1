/** A provider of a program's own among others: what it wants back goes back to it, and to nobody else. */
import type { JsonObject } from '../../shared/schema.ts'
import type { PromptItem, Provider, ProviderEvent, ProviderRequest } from './events.ts'
import { isFields } from './frames.ts'

export function ownProvider(name: string, ask: Provider): Provider {
  return (request, signal) => marking(name, request, ask(withOwnData(name, request), signal))
}

const originOf = (name: string) => `provider:${name}`

async function* marking(
  name: string,
  { model }: ProviderRequest,
  events: AsyncIterable<ProviderEvent>,
): AsyncGenerator<ProviderEvent> {
  for await (const event of events) {
    if (event.type !== 'provider_data' || !isFields(event.data)) yield event
    else yield { ...event, data: { ...(event.data as JsonObject), from: { baseUrl: originOf(name), model } } }
  }
}

function withOwnData(name: string, request: ProviderRequest): ProviderRequest {
  const isOwn = (data: unknown) => isFields(data) && isFields(data.from) && data.from.baseUrl === originOf(name)
  const prompt = request.prompt.map((item): PromptItem => {
    if (item.role !== 'assistant' || !item.providerData) return item
    return { ...item, providerData: item.providerData.filter(({ data }) => isOwn(data)) }
  })
  return { ...request, prompt }
}
