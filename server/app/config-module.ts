/** `runnel.config.ts`: settings and what only a program can give, beside the environment. */
import { existsSync } from 'node:fs'
import { resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { RunnelError } from '../../shared/errors.ts'
import type { ConfigInput } from '../config/config.ts'
import { optionFaults, optionNames, type RunnelOptions } from './options.ts'
import { refuseFaults, settingFaults } from '../config/read-config.ts'
import { givenNames, noSuchSetting, secretNames } from '../config/setting-names.ts'

const moduleNames = ['runnel.config.ts', 'runnel.config.js', 'runnel.config.mjs']

export interface LoadOptions {
  /** As given by `--config`; undefined: the first of `runnel.config.ts`, `.js`, `.mjs` that is there. */
  path: string | undefined
  folder: string
  environment: Readonly<Record<string, string | undefined>>
}

/**
 * The options of a server from its configuration module, if there is one, and
 * the environment. A setting that the environment has wins: one file serves
 * several deployments. Throws `bad_request` with every fault in its message.
 */
export async function loadOptions({ path, folder, environment }: LoadOptions): Promise<RunnelOptions> {
  const fromEnvironment: ConfigInput = Object.fromEntries(
    givenNames.flatMap((name) => (environment[name] ? [[name, environment[name]]] : [])),
  )
  const file = path ?? moduleNames.find((name) => existsSync(resolve(folder, name)))
  if (file === undefined) return fromEnvironment
  const module = await importModule(file, resolve(folder, file))
  const unknown = Object.keys(module).filter((name) => !givenNames.includes(name) && !optionNames.includes(name))
  const options: RunnelOptions = { ...module, ...withoutOtherForms(fromEnvironment), ...fromEnvironment }
  refuseFaults(
    [
      ...unknown.map((name) => noSuchSetting(name, optionNames)),
      ...optionFaults(options),
      ...settingFaults(options, options.authenticate !== undefined),
    ],
    file,
  )
  return options
}

async function importModule(file: string, path: string): Promise<RunnelOptions> {
  if (!existsSync(path)) throw new RunnelError('bad_request', `There is no configuration module ${file}.`)
  let module: { default?: unknown }
  try {
    module = (await import(pathToFileURL(path).href)) as typeof module
  } catch (error) {
    throw new RunnelError(
      'bad_request',
      `The configuration module ${file} could not be loaded: ${error instanceof Error ? error.message : String(error)}`,
      { cause: error },
    )
  }
  if (typeof module.default !== 'object' || module.default === null) {
    throw new RunnelError(
      'bad_request',
      `The configuration module ${file} has no default export that is an object: export default defineConfig({ … }).`,
    )
  }
  return module.default
}

/** Where the environment gives a secret, the module's does not count, whether by itself or by a file. */
function withoutOtherForms(environment: ConfigInput): ConfigInput {
  return Object.fromEntries(
    secretNames.flatMap((name) =>
      environment[name] || environment[`${name}_FILE`]
        ? [
            [name, undefined],
            [`${name}_FILE`, undefined],
          ]
        : [],
    ),
  )
}
