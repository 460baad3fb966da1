#!/usr/bin/env node
/** `npx @runnel/testing fake-openai`: the fake provider as a program of its own. */
import { readFileSync } from 'node:fs'
import { dirname, resolve } from 'node:path'
import process from 'node:process'
import { parseArgs } from 'node:util'
import { startFakeOpenAI } from './openai/index.ts'

const USAGE = `npx @runnel/testing fake-openai [options] [scripts.json]

A fake OpenAI server that answers what the file expects, and takes orders over HTTP:
POST /fake/enqueue, GET /fake/requests, POST /fake/reset, GET /fake/done, POST /fake/scope.

  --port 4010        default: a free one
  --host 127.0.0.1
  --model NAME       what GET /v1/models lists; several times for several
  --api-key KEY      demanded of every request
  --help
`

const COMMANDS: Record<string, (args: string[]) => Promise<void>> = { 'fake-openai': fakeOpenAI }

async function fakeOpenAI(args: string[]): Promise<void> {
  const { values, positionals } = parseArgs({
    args,
    allowPositionals: true,
    options: {
      port: { type: 'string' },
      host: { type: 'string' },
      model: { type: 'string', multiple: true },
      'api-key': { type: 'string' },
      help: { type: 'boolean' },
    },
  })
  if (values.help) return void process.stdout.write(USAGE)
  const port = Number(values.port ?? 0)
  if (!Number.isInteger(port) || port < 0 || port > 65_535) throw new Error(`--port ${values.port} is no port.`)
  const [file, ...others] = positionals
  if (others.length > 0) throw new Error(`One file of scripts is taken, not ${positionals.join(', ')}.`)
  const entries: unknown = file === undefined ? [] : JSON.parse(readFileSync(file, 'utf8'))

  const fake = await startFakeOpenAI({
    control: true,
    port,
    ...(values.host !== undefined && { host: values.host }),
    ...(values.model !== undefined && { models: values.model }),
    ...(values['api-key'] !== undefined && { apiKey: values['api-key'] }),
  })
  try {
    fake.expectJson(entries, (path) => readFileSync(resolve(dirname(file!), path)))
  } catch (error) {
    await fake.close()
    throw error
  }
  process.stdout.write(`${fake.url}\n`)
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => void fake.close())
}

async function main([name = '--help', ...args]: string[]): Promise<void> {
  if (name === '--help' || name === '-h') return void process.stdout.write(USAGE)
  const command = Object.hasOwn(COMMANDS, name) ? COMMANDS[name] : undefined
  if (!command) throw new Error(`There is no command ${name}.\n\n${USAGE}`)
  await command(args)
}

main(process.argv.slice(2)).catch((error: unknown) => {
  process.stderr.write(`runnel-testing: ${error instanceof Error ? error.message : String(error)}\n`)
  process.exitCode = 1
})
