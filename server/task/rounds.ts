/**
 * A run with tools asks its provider several times. Which blocks each request
 * wrote is kept beside the message, with what the provider wants back: a model
 * must get calls and results in the turns in which they came.
 */
import type { Block, Json, JsonObject } from '../../shared/schema.ts'
import type { ProviderData } from '../store/store.ts'

export interface Round {
  blocks: Block[]
  data: ProviderData[]
}

const endKey = /^round:(\d+)$/
/** A request that the inlet filters made, kept while its run waits. */
const requestKey = 'request'

/** An entry of the run's own, none of what its provider said. */
export function isNote({ blockId }: ProviderData): boolean {
  return blockId === requestKey || endKey.test(blockId)
}

/** The end of a request that left calls to run. `at`: epoch ms. */
export function roundEnd(round: number, blocks: number, at: number): ProviderData {
  return { blockId: `round:${round}`, data: { blocks, at } }
}

/** Ends of requests, oldest first. */
function roundEnds(providerData: readonly ProviderData[]): { blocks: number; at: number }[] {
  return providerData
    .filter(({ blockId }) => endKey.test(blockId))
    .map(({ data }) => data as { blocks: number; at: number })
}

export function roundCount(providerData: readonly ProviderData[]): number {
  return roundEnds(providerData).length
}

/** Since when the calls of the last request wait, epoch ms. */
export function lastRoundAt(providerData: readonly ProviderData[]): number | undefined {
  return roundEnds(providerData).at(-1)?.at
}

export function keptRequest(request: object): ProviderData {
  return { blockId: requestKey, data: request as JsonObject }
}

export const forgottenRequest: ProviderData = { blockId: requestKey, data: null }

export function findRequest(providerData: readonly ProviderData[]): Json | undefined {
  return providerData.findLast(({ blockId }) => blockId === requestKey)?.data
}

/** What an earlier run left: the request that it had kept, if a crash ended it, is none of the next one's. */
export function withoutRequest(providerData: readonly ProviderData[]): ProviderData[] {
  return providerData.map((entry) => (entry.blockId === requestKey ? forgottenRequest : entry))
}

/** The blocks of each request, with what the provider wants back with them. */
export function splitRounds(output: readonly Block[], providerData: readonly ProviderData[]): Round[] {
  const ends = [...new Set([...roundEnds(providerData).map(({ blocks }) => blocks), output.length])].filter(
    (end) => end <= output.length,
  )
  const rounds: Round[] = ends.map((end, index) => ({ blocks: output.slice(ends[index - 1] ?? 0, end), data: [] }))
  const roundOf = new Map(rounds.flatMap((round, index) => round.blocks.map((block) => [block.id, index] as const)))
  for (const entry of providerData) {
    const { blockId } = entry
    if (isNote(entry)) continue
    // What has no block names its request: `2:task_…:item-0`.
    const index = roundOf.get(blockId) ?? Number(/^(\d+):/.exec(blockId)?.[1] ?? 0)
    rounds[index]?.data.push(entry)
  }
  return rounds
}
