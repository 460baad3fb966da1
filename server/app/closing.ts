/** The end of a server, part by part, in an order in which none is missed by another that is still at work. */
import type { Tool, ToolSource } from '../extension/tool.ts'
import { closeAll } from '../waiting/close.ts'
import { within } from '../waiting/race.ts'
import type { Doors } from './doors.ts'
import type { Foundation } from './foundation.ts'
import type { Runs } from './runs.ts'
import type { Scrapers } from './scrapers.ts'
import type { Screens } from './screens.ts'

/** Longer than the end of an MCP server takes; nothing of ours is left open for a tool that never says that it is closed. */
const closeToolMs = 15_000

/** Interrupts what runs, saves it, and closes everything. To be called once. */
export async function closeServer(
  { config, now, patience, metrics, cluster, files, store }: Foundation,
  { rooms, sockets, events }: Screens,
  { tasks, ends, titles }: Runs,
  { html, limits, serving }: Doors,
  scrapers: Scrapers,
  sweeps: readonly (() => void)[],
  tools: readonly (Tool | ToolSource)[],
): Promise<void> {
  const drainedAt = now() + config.RUNNEL_DRAIN_MS
  let everybodyGone = async () => {}
  await closeAll([
    // While runs end it listens on: who asks is told to come again, who follows sees the end.
    () => tasks.close(config.RUNNEL_DRAIN_MS),
    () => titles.close(),
    () => patience.end(),
    () => ends?.close(Math.max(0, drainedAt - now())),
    () => {
      everybodyGone = serving.stop()
    },
    () => events.close(),
    () => sockets.close(),
    () => html.close(),
    () => everybodyGone(),
    ...sweeps,
    () => limits.close(),
    () => scrapers.close(),
    () => metrics.close(),
    () => rooms.close(),
    ...tools.map((tool) => () => 'close' in tool && closeTool(tool)),
    () => cluster.close(),
    () => files.close(),
    () => store.close(),
  ])
}

async function closeTool(tool: { name: string; close: () => unknown }): Promise<void> {
  const late = () => new Error(`The tool ${tool.name} has not closed within ${closeToolMs / 1_000} s.`)
  await within(closeToolMs, late, async () => await tool.close())
}
