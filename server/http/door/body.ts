/** What a request of the OpenAI API asks for, and what of it becomes a run. */
import { z } from 'zod'
import type { Json, JsonObject } from '../../../shared/schema.ts'
import type { Identity } from '../../auth/auth.ts'
import type { RunRequest } from '../../task/prompt.ts'
import { doorParams, refused, refuseProviderTools } from '../params.ts'
import type { Services } from '../services.ts'
import { runRequestOf } from '../run-requests.ts'
import { jsonObject } from '../schemas.ts'
import { refuseUncarried } from './uncarried.ts'

const message = z.looseObject({
  role: z.enum(['developer', 'system', 'user', 'assistant', 'tool', 'function']),
}) as unknown as z.ZodType<JsonObject>

/** As many as a chat has at the most by itself. */
const maxMessages = 20_000

/** Loose: what is not named here goes to the provider as it is. */
export const completionBody = z.looseObject({
  model: z.string().min(1).max(200).optional(),
  messages: z.array(message).min(1).max(maxMessages),
  tools: z
    .array(jsonObject)
    .max(128)
    .nullish()
    .describe("the caller's own: calls are handed back; tools of the server are not offered"),
  stream: z.boolean().nullish(),
  stream_options: z.looseObject({ include_usage: z.boolean().nullish() }).nullish(),
  n: z.int().nullish().describe('1'),
})

export type CompletionBody = z.output<typeof completionBody>

/** Throws `bad_request`, `forbidden`. */
export async function runRequestOfBody(
  body: CompletionBody,
  identity: Identity,
  services: Services,
): Promise<RunRequest> {
  const { model, messages, tools, stream: _stream, stream_options: options, n, ...params } = body
  if (n !== undefined && n !== null && n !== 1)
    throw refused('n', 'is not possible but as 1: an answer is one document.')
  refuseUncarried(params as JsonObject)
  if (!services.providerTools) refuseProviderTools(tools ?? [])
  return {
    ...(await runRequestOf({ ...(model !== undefined && { model }) }, identity, services)),
    messages,
    tools: tools ?? [],
    handsBack: true,
    params: {
      ...doorParams(params as JsonObject, services.allowedParams),
      // What else is in it is between the caller and this API.
      ...(options === null && { stream_options: null }),
    },
  }
}

/** The caller's tools that take any text, by their names. */
export function customToolsOf({ tools }: CompletionBody): Set<string> {
  const names = (tools ?? []).map(({ type, custom, name }) =>
    type === 'custom' ? ((custom as JsonObject | undefined)?.name ?? name) : undefined,
  )
  return new Set(names.filter((name) => typeof name === 'string'))
}

/** The text of the last message of the user, with a note of what cannot be shown. */
export function questionOf(messages: readonly JsonObject[]): string {
  const content = messages.findLast(({ role }) => role === 'user')?.content ?? ''
  if (!Array.isArray(content)) return typeof content === 'string' ? content : ''
  const texts: string[] = []
  const others = new Map<string, number>()
  for (const part of content as ({ type?: Json; text?: Json } | null)[]) {
    if (part?.type === 'text') texts.push(String(part.text ?? ''))
    else others.set(String(part?.type), (others.get(String(part?.type)) ?? 0) + 1)
  }
  if (others.size > 0)
    texts.push(`[Sent along, not shown here: ${[...others].map(([type, count]) => `${count} × ${type}`).join(', ')}]`)
  return texts.join('\n\n')
}

/** Results of calls follow the answer that asked for them: no new question. */
export function bringsResults(messages: readonly JsonObject[]): boolean {
  const role = messages.at(-1)?.role
  return role === 'tool' || role === 'function'
}
