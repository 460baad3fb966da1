/** What came of a stream, in the fields by which cases say what must come. */
import type { StreamMapper } from '../../server/provider/frames.ts'
import { ChatMapper } from '../../server/provider/openai-chat.ts'
import { ResponsesMapper } from '../../server/provider/openai-responses.ts'
import { readStream } from '../../server/provider/stream.ts'
import { Upstream } from '../../server/provider/upstream.ts'
import { cutBytes, type Cuts } from '../../testing/openai/index.ts'
import { collect, foldEvents, type FoldedMessage } from './fold-events.ts'

export interface CaseOutcome {
  status: string
  finishReason?: string
  text?: string
  reasoning?: string
  refusal?: string
  toolCalls?: readonly { callId?: string; name: string; arguments: string }[]
  files?: { mimeType: string }[]
  errorCode?: string
  errorMessageContains?: string
  textMustNotContain?: string
  /** The note has these words; null: there is none. */
  noteContains?: string | null
  /** Paths that were not understood; `[]`: all was. */
  unknown?: string[]
}

export interface Played extends FoldedMessage {
  unknown: string[]
}

/** Plays a body to the mapper of an API, as it would come over HTTP. */
export async function playBody(
  api: 'chat' | 'responses',
  body: string | Uint8Array,
  cuts: Cuts = 'whole',
  contentType = 'text/event-stream',
): Promise<Played> {
  const unknown: string[] = []
  const onUnknown = (path: string) => void unknown.push(path)
  const mapper: StreamMapper = api === 'chat' ? new ChatMapper(onUnknown) : new ResponsesMapper(onUnknown)
  const pieces = cutBytes(typeof body === 'string' ? new TextEncoder().encode(body) : body, cuts)
  const stream = new ReadableStream<Uint8Array>({
    pull(controller) {
      const piece = pieces.shift()
      if (piece) controller.enqueue(piece)
      else controller.close()
    },
  })
  const response = new Response(stream, { headers: { 'content-type': contentType } })
  const upstream = new Upstream(new AbortController().signal)
  return { ...foldEvents(await collect(readStream(async () => response, mapper, upstream))), unknown }
}

/** Every way in which it is not what was expected, as sentences. */
export function faultsOf(played: Played, expected: CaseOutcome): string[] {
  const faults: string[] = []
  const check = (what: string, actual: unknown, wanted: unknown) => {
    if (JSON.stringify(actual) !== JSON.stringify(wanted))
      faults.push(`${what}: ${JSON.stringify(actual)} instead of ${JSON.stringify(wanted)}`)
  }
  const joined = (type: 'text' | 'reasoning' | 'refusal') =>
    played.blocks.map((block) => (block.type === type ? block.text : '')).join('')
  check('status', played.status, expected.status)
  for (const type of ['text', 'reasoning', 'refusal'] as const)
    if (expected[type] !== undefined) check(type, joined(type), expected[type])
  if (expected.finishReason !== undefined) check('finish reason', played.finishReason, expected.finishReason)
  if (expected.errorCode !== undefined) check('error code', played.errorCode, expected.errorCode)
  if (expected.errorMessageContains !== undefined && !played.errorMessage?.includes(expected.errorMessageContains))
    faults.push(`the error says ${JSON.stringify(played.errorMessage)}`)
  if (expected.textMustNotContain !== undefined && joined('text').includes(expected.textMustNotContain))
    faults.push(`the text is ${JSON.stringify(joined('text'))}`)
  if (expected.toolCalls) {
    const calls = played.blocks.filter((block) => block.type === 'tool_call')
    check(
      'calls',
      calls.map(({ callId, name, arguments: args }, i) => ({
        ...(expected.toolCalls![i]?.callId === undefined ? {} : { callId }),
        name,
        arguments: args,
      })),
      expected.toolCalls.map(({ callId, name, arguments: args }) => ({
        ...(callId === undefined ? {} : { callId }),
        name,
        arguments: args,
      })),
    )
  }
  if (expected.files) {
    const linked = played.blocks.flatMap((block) => (block.type === 'file' ? [{ mimeType: block.mimeType }] : []))
    check('files', [...linked, ...played.files.map(({ mimeType }) => ({ mimeType }))], expected.files)
  }
  if (expected.noteContains === null) check('note', played.note, undefined)
  else if (expected.noteContains !== undefined && !played.note?.includes(expected.noteContains))
    faults.push(`the note says ${JSON.stringify(played.note)}`)
  if (expected.unknown) check('not understood', played.unknown, expected.unknown)
  return faults
}
