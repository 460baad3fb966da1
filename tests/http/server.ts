import { onTestFinished } from 'vitest'
import {
  startFakeOpenAI,
  startRunnel,
  type FakeOpenAI,
  type FakeOpenAIOptions,
  type StartedRunnel,
} from '../../testing/index.ts'
import { saysHello } from '../helpers/says-hello.ts'
import { checkDescribed } from './described.ts'

/** A server for one test, closed behind it. What it answers to `call` is as `/openapi.json` says. */
export async function start(settings: Parameters<typeof startRunnel>[0] = {}): Promise<StartedRunnel> {
  const server = await startRunnel(settings)
  closeAfterwards(() => server.close())
  return {
    ...server,
    async call(method, path, ...rest) {
      const answered = await server.call(method, path, ...rest)
      checkDescribed(method, path, answered.status, answered.body)
      return answered
    },
  }
}

/** A server with a fake provider behind it, of which any question is expected. */
export async function startWithFake(
  settings: Parameters<typeof startRunnel>[0] = {},
  options: FakeOpenAIOptions = saysHello,
): Promise<{ server: StartedRunnel; fake: FakeOpenAI }> {
  const fake = await startFakeOpenAI(options)
  closeAfterwards(() => fake.close())
  return { server: await start({ OPENAI_BASE_URL: fake.url, OPENAI_API_KEY: 'key', ...settings }), fake }
}

// Not by a hook of this file: a worker that keeps what it has loaded would have it for its first file only.
export function closeAfterwards(close: () => Promise<void>): void {
  onTestFinished(close)
}
