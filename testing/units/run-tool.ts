import type { RunnelOptions, Tool, ToolSource } from '../../server/index.ts'
import type { Json, JsonObject, Message, ToolCallBlock } from '../../shared/schema.ts'
import { answer, type RequestBody } from '../openai/index.ts'
import type { World } from '../world/world.ts'
import { askAndFollow, inWorld, unitDeadlineMs } from './engine.ts'

export interface RunToolOptions {
  /** Who asks. Their id, name and token are this name. Default: `ada`. */
  user?: string
  /** Stop is pressed so long after the call has begun. */
  stopAfterMs?: number
  /** What a person says where the tool asks for a yes. Default: yes. */
  decide?: { approve: boolean; reason?: string; arguments?: JsonObject }
  /** Settings of the server, as RUNNEL_TOOL_MAX_MS. */
  settings?: Omit<RunnelOptions, 'tools' | 'authenticate'>
  /** Default: 30 s. */
  deadlineMs?: number
}

export interface ToolRun {
  /** `completed`, `failed`, `denied`, or `cancelled` by Stop. */
  status: ToolCallBlock['status']
  output?: string
  error?: string
  /** What people could see while it ran, each state once: how it stood, its progress, its output so far. */
  shown: Pick<ToolCallBlock, 'status' | 'progress' | 'output'>[]
  /** What the model was told of it; null: it was not asked again. */
  told: string | null
  /** The whole answer: with the sources, files and texts that the tool has shown. */
  message: Message
  /** From when people saw it run to when they saw its end; 0 for one that was too quick to be seen. */
  tookMs: number
}

const ended: ReadonlySet<ToolCallBlock['status']> = new Set(['completed', 'failed', 'denied', 'cancelled'])

/**
 * Has a model call a tool with these arguments (a string: as the model wrote it, also where that is no JSON), and tells all
 * that came of it. The whole way is the real one: server, run, approval, log, viewer.
 */
export async function runTool(tool: Tool, args: Json | string = {}, options: RunToolOptions = {}): Promise<ToolRun> {
  return await callTool([tool], tool.name, args, options)
}

/** The same for a tool of a source; `name`: as the model calls it. */
export async function callTool(
  tools: readonly (Tool | ToolSource)[],
  name: string,
  args: Json | string,
  { user = 'ada', stopAfterMs, decide, settings = {}, deadlineMs = unitDeadlineMs }: RunToolOptions,
): Promise<ToolRun> {
  return await inWorld({ ...settings, tools }, async (world) => {
    const call = { id: 'call-1', name, arguments: typeof args === 'string' ? args : JSON.stringify(args) }
    world.fake.enqueue(answer({ toolCalls: [call] }), answer({ text: 'Done.' }))
    let runningAt: number | undefined
    let endedAt: number | undefined
    let stopping: ReturnType<typeof setTimeout> | undefined
    let isDecided = false
    const faults: unknown[] = []
    const shown: ToolRun['shown'] = []
    const once = (work: Promise<unknown>) => void work.catch((error: unknown) => faults.push(error))
    const { message } = await askAndFollow(world, `Call ${name}.`, {
      as: user,
      deadlineMs,
      onState: (message) => {
        const block = callOf(message)
        if (!block) return
        const { status, progress, output } = block
        const state = { status, ...(progress !== undefined && { progress }), ...(output !== undefined && { output }) }
        if (JSON.stringify(state) !== JSON.stringify(shown.at(-1))) shown.push(state)
        if (status === 'running') runningAt ??= performance.now()
        if (ended.has(status)) endedAt ??= performance.now()
        if (status === 'awaiting_approval' && !isDecided) {
          isDecided = true
          once(say(world, user, message, block, decide ?? { approve: true }))
        }
        if (status === 'running' && stopAfterMs !== undefined)
          stopping ??= setTimeout(
            () => once(world.call(user, 'POST', `/api/messages/${message.id}/stop`, {})),
            stopAfterMs,
          )
      },
    }).finally(() => clearTimeout(stopping))
    if (faults.length > 0) throw faults[0]
    const block = callOf(message)
    if (!block)
      throw new Error(`The call of ${name} did not come to be: ${JSON.stringify(message.error ?? message.note)}`)
    return {
      status: block.status,
      ...(block.output !== undefined && { output: block.output }),
      ...(block.error !== undefined && { error: block.error }),
      shown,
      told: toldIn(world.fake.requests[1]?.body),
      message,
      tookMs: (endedAt ?? 0) - (runningAt ?? endedAt ?? 0),
    }
  })
}

async function say(
  world: World,
  user: string,
  message: Message,
  block: ToolCallBlock,
  { approve, ...more }: NonNullable<RunToolOptions['decide']>,
): Promise<void> {
  const path = `/api/messages/${message.id}/tool-calls/${encodeURIComponent(block.callId)}`
  await world.call(user, 'POST', path, { decision: approve ? 'approve' : 'deny', ...more })
}

function callOf(message: Message): ToolCallBlock | undefined {
  return message.output.find((block) => block.type === 'tool_call')
}

/** In the words of either API. */
function toldIn(body: RequestBody | undefined): string | null {
  const { messages = [], input = [] } = (body ?? {}) as { messages?: JsonObject[]; input?: JsonObject[] }
  const told =
    messages.findLast(({ role }) => role === 'tool')?.content ??
    (Array.isArray(input) ? input : []).findLast(({ type }) => type === 'function_call_output')?.output
  return told === undefined ? null : typeof told === 'string' ? told : JSON.stringify(told)
}
