/** A provider's events, read until it has finished, failed, or the run has ended. */
import { RunnelError } from '../../shared/errors.ts'
import type { FinishReason } from '../../shared/schema.ts'
import type { ProviderEvent } from '../provider/events.ts'
import type { EventWriter } from './event-writer.ts'
import type { Run } from './run.ts'

/** Where it ends before `finish`, what filters hold back is judged and written first. */
export async function readEvents(
  stream: AsyncIterable<ProviderEvent>,
  run: Run,
  writer: EventWriter,
  now: () => number,
): Promise<FinishReason> {
  run.beforeEnd = (status) => void writer.endEarly(status, now())
  try {
    return await readToFinish(stream, run, writer)
  } catch (error) {
    if (!run.ended) await writer.endEarly('failed', now())
    throw error
  } finally {
    run.beforeEnd = null
  }
}

/** Behind `finish` the connection may close in peace, so that it can be used again. */
async function readToFinish(
  stream: AsyncIterable<ProviderEvent>,
  run: Run,
  writer: EventWriter,
): Promise<FinishReason> {
  const events = stream[Symbol.asyncIterator]()
  try {
    for (;;) {
      const { done, value: event } = await events.next()
      if (run.ended) throw run.signal.reason
      if (done)
        throw new RunnelError('provider_disconnected', 'The provider closed the stream before the answer was finished.')
      const given = writer.write(event)
      const reason = given instanceof Promise ? await given : given
      if (run.ended) throw run.signal.reason
      if (event.type === 'finish') {
        void drain(events)
        return reason ?? event.reason
      }
    }
  } catch (error) {
    void Promise.resolve(events.return?.()).catch(() => {})
    throw error
  }
}

async function drain(events: AsyncIterator<ProviderEvent>): Promise<void> {
  try {
    while (!(await events.next()).done);
  } catch {
    // The answer was whole before.
  }
}
