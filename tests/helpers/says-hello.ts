import { answer, type FakeOpenAIOptions } from '../../testing/openai/index.ts'

/** A provider of which any question is expected, for tests that look at something else. */
export const saysHello: FakeOpenAIOptions = { fallback: answer({ text: 'Hello from the fake provider.' }) }
