import { settings } from '../config/config.ts'
import type { UpstreamOptions } from '../config/provider-options.ts'
import { readUpstream } from '../config/providers.ts'
import { refuseFaults } from '../config/read-config.ts'
import type { DescribedProvider } from '../provider/events.ts'
import { openaiUpstream, type UpstreamDefaults } from './adapters.ts'

const defaults: UpstreamDefaults = {
  RUNNEL_STRICT_TURNS: false,
  RUNNEL_SEND_REASONING: settings.RUNNEL_SEND_REASONING.default,
  RUNNEL_PROVIDER_IDLE_MS: Number(settings.RUNNEL_PROVIDER_IDLE_MS.default),
  RUNNEL_PROVIDER_COMMENT_MS: Number(settings.RUNNEL_PROVIDER_COMMENT_MS.default),
  RUNNEL_THINK_TAGS: settings.RUNNEL_THINK_TAGS.default.split(','),
  RUNNEL_MAX_MESSAGE_BYTES: Number(settings.RUNNEL_MAX_MESSAGE_BYTES.default),
}

/**
 * A provider that speaks the OpenAI API, for a program: to be given as `provider`, to stand among `providers`, or to be
 * asked by a provider of its own. `onUnknownEvent` is told of each event whose type is not known. Throws `bad_request`
 * with all that is wrong with the options.
 */
export function openaiProvider({
  onUnknownEvent = () => {},
  ...options
}: UpstreamOptions & { onUnknownEvent?: (type: string) => void } = {}): DescribedProvider {
  const { upstream, faults } = readUpstream('openaiProvider', options)
  refuseFaults(faults)
  return openaiUpstream(defaults, upstream!, onUnknownEvent)
}
