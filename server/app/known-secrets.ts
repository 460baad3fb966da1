import type { Config, SettingName } from '../config/config.ts'
import type { Tool, ToolSource } from '../extension/tool.ts'
import { addressSecrets } from '../secrets/secrets.ts'
import { secretNames } from '../config/setting-names.ts'

/** Every key that stands in the settings or was given with tools and providers. */
export function knownSecrets(
  config: Config,
  tools: readonly (Tool | ToolSource)[],
  ofProviders: readonly string[],
): string[] {
  return [
    ...secretNames.flatMap((name) => secretsOf(config[name])),
    ...(config.OPENAI_BASE_URL === undefined ? [] : addressSecrets(config.OPENAI_BASE_URL)),
    ...ofProviders,
    ...tools.flatMap((tool) => ('list' in tool ? (tool.secrets ?? []) : [])),
  ]
}

/** Of addresses (of databases, by commas) only the passwords: their users and parameters are common words. */
function secretsOf(value: Config[SettingName]): string[] {
  if (typeof value !== 'string') return []
  if (!/^\w+:/.test(value)) return [value]
  const passwords = value.split(',').flatMap((part) => URL.parse(part)?.password ?? [])
  return passwords.flatMap((password) => [password, decodeURIComponent(password)])
}
