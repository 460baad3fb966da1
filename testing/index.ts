/** The package's `./testing`: a real server, a fake provider, viewers that keep what they get. */
export { startRunnel, type StartedRunnel } from './runnel.ts'
export { Collected, Collector, type CollectorOptions } from './collector.ts'
export { applyStreamEvent } from './fold-stream.ts'
export { SseReader, type ReadEvent, type SseReaderOptions } from './sse-reader.ts'
export * from './openai/index.ts'
/** A store and a cluster to begin with, where you write one of your own. */
export { localCluster, memoryStore } from '../server/index.ts'
