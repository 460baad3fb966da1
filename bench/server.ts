/** The server as it is run, in a process of its own. */
import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { unlimited } from '../testing/runnel.ts'
import type { Question, Usage } from './probe.ts'

export interface BenchServer {
  url: string
  child: ChildProcess
  usage: (question?: Question) => Promise<Usage>
  close: () => Promise<void>
}

/** For `startServer`: the limits as they are delivered, instead of none. */
export const limited = Object.fromEntries(Object.keys(unlimited).map((name) => [name, '']))

/** Pinned to the first core where the system can. */
export async function startServer(env: Record<string, string>): Promise<BenchServer> {
  const folder = mkdtempSync(join(tmpdir(), 'runnel-bench-'))
  const [main, probe] = ['../server/main.ts', './probe.ts'].map((path) => new URL(path, import.meta.url)) as [URL, URL]
  const node = [process.execPath, '--expose-gc', '--import', probe.href, main.pathname]
  const command = process.platform === 'linux' ? ['taskset', '-c', '0', ...node] : node
  const child = spawn(command[0]!, command.slice(1), {
    env: {
      ...process.env,
      PORT: '0',
      DATABASE_URL: `sqlite:${folder}/bench.db`,
      LOG_LEVEL: 'warn',
      RUNNEL_MAX_TASKS_PER_USER: '1000',
      ...Object.fromEntries(Object.entries(unlimited).map(([name, value]) => [name, String(value)])),
      ...env,
    },
    stdio: ['ignore', 'pipe', 'inherit', 'ipc'],
  })
  let output = ''
  const url = await new Promise<string>((resolve, reject) => {
    child.stdout!.on('data', (data: Buffer) => {
      output += data.toString()
      const found = /http:\S+/.exec(output)?.[0]
      if (found) resolve(found)
    })
    child.on('exit', (code) => reject(new Error(`the server ended with ${code}`)))
  })
  return {
    url,
    child,
    usage: async (question = { collect: false }) => {
      child.send(question)
      const [usage] = await once(child, 'message')
      return usage as Usage
    },
    close: async () => {
      child.kill('SIGTERM')
      await once(child, 'exit')
      rmSync(folder, { recursive: true })
    },
  }
}

/** CPU time of a process so far, ms. */
export function cpuTimeOf(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]!.split(' ')
  return (Number(fields[11]) + Number(fields[12])) * 10
}
