#!/usr/bin/env node
/** The command `runnel`: settings from the environment, signals, exit codes. The only user of `process`. */
import { createRunnel } from './app.ts'
import { describeSettings } from './config.ts'

const help = `runnel: streams LLM answers to many screens

Usage: runnel [--help]

Settings are environment variables:
${describeSettings()}
`

async function main(): Promise<void> {
  const [argument] = process.argv.slice(2)
  if (argument === '--help' || argument === '-h') {
    process.stdout.write(help)
    return
  }
  if (argument !== undefined) throw new Error(`runnel takes no argument ${argument}; runnel --help shows its settings.`)
  const runnel = createRunnel(process.env)
  let stopping = false
  const processOnSignal = () => {
    // A second signal ends at once.
    if (stopping) process.exit(130)
    stopping = true
    runnel.close().then(() => process.exit(0), fail)
  }
  process.on('SIGINT', processOnSignal)
  process.on('SIGTERM', processOnSignal)
  const { url } = await runnel.listen()
  process.stdout.write(`Runnel listens on ${url}\n`)
}

function fail(error: unknown): void {
  process.stderr.write(`runnel: ${error instanceof Error ? error.message : String(error)}\n`)
  process.exit(1)
}

main().catch(fail)
