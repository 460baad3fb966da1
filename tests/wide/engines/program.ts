import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'

export interface Program {
  /** The next line that it prints. Rejects when it ends before. */
  line: () => Promise<string>
  end: () => Promise<void>
}

/**
 * A program and all that it starts. They end together, and with this process, however that ends: the shell beside them
 * sees its input close.
 */
export function startProgram(command: readonly string[], env: NodeJS.ProcessEnv): Program {
  const shell = spawn(
    'sh',
    ['-c', 'setsid "$@" & read -r _; kill -9 -- -$! || kill -9 $!; wait $!', 'sh', ...command],
    { stdio: ['pipe', 'pipe', 'ignore'], env: { ...process.env, ...env } },
  )
  const exited = once(shell, 'exit')
  const lines = createInterface({ input: shell.stdout })
  const printed: string[] = []
  let wake = () => {}
  lines.on('line', (line) => {
    printed.push(line)
    wake()
  })
  let isOver = false
  lines.on('close', () => {
    isOver = true
    wake()
  })
  return {
    line: async () => {
      while (printed.length === 0) {
        if (isOver) throw new Error(`${command[0]} has ended.`)
        await new Promise<void>((resolve) => {
          wake = resolve
        })
      }
      return printed.shift()!
    },
    end: async () => {
      shell.stdin.end()
      await exited
    },
  }
}
