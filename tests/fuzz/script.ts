import type { Provider, ProviderEvent } from '../../server/provider/events.ts'

/** A provider whose every event the test sends by hand, one run at a time: it stands still in between. */
export class Script {
  readonly #events: ProviderEvent[] = []
  #wake: () => void = () => {}

  readonly provider: Provider = (_request, signal) => this.#play(signal)

  send(...events: ProviderEvent[]): void {
    this.#events.push(...events)
    this.#wake()
  }

  /** Opens a text block. */
  text(key: string, text = ''): void {
    this.send({ type: 'block_start', key, block: { type: 'text', status: 'in_progress' } })
    if (text !== '') this.append(key, text)
  }

  append(key: string, text: string): void {
    this.send({ type: 'delta', key, field: 'text', text })
  }

  end(...keys: string[]): void {
    for (const key of keys) this.send({ type: 'block_end', key, status: 'completed' })
  }

  finish(...openKeys: string[]): void {
    this.end(...openKeys)
    this.send({ type: 'finish', reason: 'stop' })
  }

  async *#play(signal: AbortSignal): AsyncGenerator<ProviderEvent> {
    signal.addEventListener('abort', () => this.#wake())
    while (!signal.aborted) {
      const event = this.#events.shift()
      if (event) {
        yield event
        if (event.type === 'finish') return
      } else {
        await new Promise<void>((resolve) => {
          this.#wake = resolve
        })
      }
    }
  }
}
