/** Who answers: the one provider that a program brings or the settings name. What is asked of it is asked here. */
import type { Config } from '../config/config.ts'
import type { Provider } from '../provider/events.ts'
import { pickProvider, providerName } from './adapters.ts'
import type { RunnelOptions } from './options.ts'

type Own = Pick<RunnelOptions, 'provider'>

/** What its numbers are told apart by. */
export function upstreamLabels(config: Config, { provider: own }: Own) {
  return {
    provider: own ? 'custom' : providerName(config),
    models: [config.RUNNEL_MODEL, ...(config.RUNNEL_MODELS ?? [])],
  }
}

export function openUpstream(config: Config, { provider: own }: Own, onUnknownEvent: (type: string) => void): Provider {
  return own ?? pickProvider(config, onUnknownEvent)
}
