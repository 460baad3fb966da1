/** The package's `./testing`: a real server, a fake provider, viewers that keep what they get. */
export { startRunnel, type StartedRunnel } from './runnel.ts'
export { Collected, Collector, type CollectorOptions } from './collector.ts'
export * from './fake-openai.ts'
