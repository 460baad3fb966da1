/** The shapes of blocks, by their types: one that is added to the table of types does not compile without its own here. */
import { z } from 'zod'
import type { BlockType } from '../../shared/schema.ts'

const epochMs = z.int().describe('epoch milliseconds')
const status = z.enum(['in_progress', 'completed', 'incomplete'])

/** Who did something, with the name of then. */
export const byJson = z
  .object({ id: z.string().describe('as the members of the chat have it for `alias`'), name: z.string() })
  .meta({ id: 'By' })

/** What every block has. */
const common = { id: z.string(), status }

const shapes = {
  text: z.looseObject({
    ...common,
    type: z.literal('text'),
    text: z.string(),
    annotations: z.array(z.record(z.string(), z.unknown())),
  }),
  reasoning: z.looseObject({
    ...common,
    type: z.literal('reasoning'),
    text: z.string(),
    origin: z.enum(['field', 'tag', 'summary']),
    startedAt: epochMs,
    endedAt: epochMs.optional(),
  }),
  tool_call: z.looseObject({
    id: z.string(),
    type: z.literal('tool_call'),
    status: z.enum([
      'streaming',
      'pending',
      'awaiting_approval',
      'running',
      'completed',
      'failed',
      'denied',
      'cancelled',
    ]),
    callId: z.string(),
    name: z.string(),
    arguments: z.string(),
    originalArguments: z
      .string()
      .optional()
      .describe('what the model had called it with, where a person let it run with others'),
    output: z.string().optional(),
    progress: z.string().optional(),
    error: z.string().optional(),
    executor: z.enum(['server', 'client', 'provider']),
    decidedBy: byJson.optional(),
    answeredBy: byJson.optional(),
  }),
  refusal: z.looseObject({ ...common, type: z.literal('refusal'), text: z.string() }),
  source: z.looseObject({
    ...common,
    type: z.literal('source'),
    url: z.string().optional(),
    title: z.string(),
    snippet: z.string().optional(),
    sourceType: z.string(),
  }),
  file: z.looseObject({
    ...common,
    type: z.literal('file'),
    name: z.string(),
    mimeType: z.string(),
    url: z.string(),
    size: z.int().optional(),
  }),
  embed: z.looseObject({ ...common, type: z.literal('embed'), url: z.string() }),
  progress: z.looseObject({ ...common, type: z.literal('progress'), text: z.string(), done: z.boolean() }),
  error: z.looseObject({
    ...common,
    type: z.literal('error'),
    code: z.string(),
    message: z.string(),
    retryable: z.boolean(),
  }),
} satisfies Record<BlockType, z.ZodType>

/** A newer server may have more fields. */
export const blockJson = z.discriminatedUnion('type', Object.values(shapes) as Shapes).meta({ id: 'Block' })

type Shape = (typeof shapes)[BlockType]
type Shapes = [Shape, ...Shape[]]
