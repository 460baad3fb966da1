import { spawn } from 'node:child_process'

// Ctrl-C in a terminal reaches this script twice, from the terminal and from npm.
const SAME_PRESS_MS = 1000
// A closed terminal ends the program in order; few programs listen to SIGHUP themselves.
const FORWARDED = { SIGINT: 'SIGINT', SIGTERM: 'SIGTERM', SIGHUP: 'SIGTERM' }

/**
 * Runs a program to its end and passes signals on, each press once.
 * `stopped`: one was passed on. `quiet` keeps its output and returns it; otherwise it goes where ours goes.
 */
export function run(command, args, { quiet = false, ...options } = {}) {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { stdio: quiet ? ['ignore', 'pipe', 'pipe'] : 'inherit', ...options })
    let output = ''
    child.stdout?.on('data', (chunk) => (output += chunk))
    child.stderr?.on('data', (chunk) => (output += chunk))

    let stopped = false
    const lastAt = {}
    const handlers = Object.entries(FORWARDED).map(([received, sent]) => {
      const forward = () => {
        const now = Date.now()
        if (now - (lastAt[sent] ?? 0) < SAME_PRESS_MS) return
        lastAt[sent] = now
        stopped = true
        child.kill(sent)
      }
      process.on(received, forward)
      return () => process.off(received, forward)
    })
    const settle = () => handlers.forEach((remove) => remove())
    child.once('error', (error) => (settle(), reject(error)))
    child.once('close', (code, signal) => (settle(), resolve({ code, signal, stopped, output })))
  })
}

/** Ends this process as the child ended: with its exit code, or by the same signal. */
export function endLike({ code, signal }) {
  if (signal === null) process.exit(code)
  process.kill(process.pid, signal)
  // A signal that was ignored from the start (a background job's SIGINT) ends nobody.
  process.exit(1)
}

/** One clear line instead of a stack: for everything a person can mend. */
export class Unready extends Error {}

export function main(work) {
  work().catch((error) => {
    console.error(error instanceof Unready ? `runnel: ${error.message}` : error)
    process.exit(1)
  })
}

/** npm passes a SIGTERM on to its shell only, which dies of it and leaves us: then the server has to end as well. */
export function endWithNpm() {
  if (process.env.npm_lifecycle_event === undefined) return
  const parent = process.ppid
  const watch = setInterval(() => {
    if (process.ppid === parent) return
    clearInterval(watch)
    process.kill(process.pid, 'SIGTERM')
  }, 250)
  watch.unref()
}
