#!/usr/bin/env node
/** The command `runnel`: settings from the environment, signals, exit codes. The only user of `process`. */
import { parseArgs } from 'node:util'
import { isRunnelError } from '../shared/errors.ts'
import { createRunnel } from './app/app.ts'
import { loadOptions } from './app/config-module.ts'
import { describeSettings } from './config/read-config.ts'
import { misspelt, secretNames } from './config/setting-names.ts'
import { version } from './config/version.ts'

const help = `runnel: streams LLM answers to many screens

Usage: runnel [--config <file>] [--help] [--version]

Settings are environment variables, or stand in a configuration module: the file that --config names, else runnel.config.ts, .js
or .mjs in this folder. What the environment says wins. The module also has tools, filters, provider, authenticate, onMessageEnd
and logger (docs/CONFIGURATION.md). A secret may stand in a file that <name>_FILE names: ${secretNames.join(', ')}.

${describeSettings()}
`

/** Behind the drain, all is saved and closed within this time. */
const endMs = 30_000

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      config: { type: 'string', short: 'c' },
      help: { type: 'boolean', short: 'h' },
      version: { type: 'boolean', short: 'v' },
    },
  })
  if (values.help) {
    process.stdout.write(help)
    return
  }
  if (values.version) {
    process.stdout.write(`${version()}\n`)
    return
  }
  for (const warning of misspelt(Object.keys(process.env))) process.stderr.write(`runnel: ${warning}\n`)
  const runnel = createRunnel(
    await loadOptions({ path: values.config, folder: process.cwd(), environment: process.env }),
  )
  let stopping = false
  const stop = (code: number) => {
    stopping = true
    runnel.close().then(() => process.exit(Math.max(code, Number(process.exitCode ?? 0))), fail)
  }
  const processOnSignal = () => {
    // A second signal ends at once.
    if (stopping) process.exit(130)
    stop(0)
  }
  process.on('SIGINT', processOnSignal)
  process.on('SIGTERM', processOnSignal)
  // Nobody knows what a fault that nothing caught has left undone: what runs is ended and saved, and another process goes on.
  const processOnFault = (fault: unknown) => {
    const err = fault instanceof Error ? fault : new Error('Something was thrown that is no error.', { cause: fault })
    runnel.log.error({ err }, 'a fault that nothing caught: the server ends')
    process.exitCode = 1
    if (stopping) return
    // What it has left undone may hold up the end.
    setTimeout(() => process.exit(1), runnel.config.RUNNEL_DRAIN_MS + endMs).unref()
    stop(1)
  }
  process.on('uncaughtException', processOnFault)
  process.on('unhandledRejection', processOnFault)
  const { url } = await runnel.listen()
  process.stdout.write(`Runnel listens on ${url}\n`)
}

function fail(error: unknown): void {
  const where = isRunnelError(error) && error.where !== undefined ? ` (${error.where})` : ''
  process.stderr.write(`runnel: ${error instanceof Error ? error.message : String(error)}${where}\n`)
  process.exit(1)
}

main().catch(fail)
