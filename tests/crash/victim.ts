import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import type { ConfigInput } from '../../server/config/config.ts'
import { asker } from './asker.ts'

const childFile = fileURLToPath(new URL('./child.ts', import.meta.url))

/** Where a victim kills itself: before or after the n-th run of a statement, counted from its start or from when it listens. */
export interface DeathInSql {
  phase: 'recovery' | 'running'
  /** The beginning of the statement. */
  sql: string
  moment: 'before' | 'after'
  count: number
}

export interface Start {
  path: string
  death: DeathInSql | undefined
  settings: ConfigInput
}

/** A server process that is killed. It is loaded when it is made, and opens its database when it is started. */
export class Victim {
  readonly process: ChildProcess
  readonly exited: Promise<void>
  /** Resolves with its address when it listens; null if it died before. */
  readonly url: Promise<string | null>
  death: DeathInSql | undefined

  constructor() {
    this.process = spawn(process.execPath, [childFile], { stdio: ['pipe', 'pipe', 'inherit'] })
    this.exited = once(this.process, 'exit').then(() => {})
    const lines = createInterface({ input: this.process.stdout! })
    this.url = Promise.race([
      once(lines, 'line').then(([line]) => line as string),
      once(lines, 'close').then(() => null),
    ])
  }

  start(path: string, death?: DeathInSql): this {
    this.death = death
    this.process.stdin!.end(`${JSON.stringify({ path, death, settings: asker.settings } satisfies Start)}\n`)
    return this
  }

  get dead(): boolean {
    return this.process.exitCode !== null || this.process.signalCode !== null
  }

  async kill(): Promise<void> {
    this.process.kill('SIGKILL')
    await this.exited
  }
}
