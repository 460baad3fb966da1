import { moduleOf } from './languages.ts'
import type * as lowlight from './lowlight.ts'
import type { Token } from './token.ts'

/** The most time taken in one go, because the frame has other work to do. */
const turnMs = 5
const jobs: (() => void)[] = []
let isRunning = false

/**
 * Calls `show` with the tokens of a text when there is time, and once its language has come; never for a language that is not
 * known. `before` is what stands above it. Answers with what calls it off.
 */
export function highlight(
  language: string,
  before: string,
  text: string,
  show: (tokens: readonly Token[]) => void,
): (() => void) | undefined {
  const module = moduleOf(language)
  if (module === undefined) return undefined
  let isWanted = true
  const job = (tokensOf: (module: string, before: string, text: string) => Token[]) =>
    addJob(() => {
      if (isWanted) show(tokensOf(module, before, text))
    })
  // Code is readable without its grammar, too.
  bringColours().then(
    async ({ bringGrammar, tokensOf }) => {
      if (await bringGrammar(module)) job(tokensOf)
    },
    () => {},
  )
  return () => {
    isWanted = false
  }
}

let coming: Promise<typeof lowlight> | undefined

/** Imported once: each `import()` of a built page walks through its whole document. */
function bringColours(): Promise<typeof lowlight> {
  coming ??= import('./lowlight.ts').catch((error: unknown) => {
    // It is asked for anew by the next that want it.
    coming = undefined
    throw error
  })
  return coming
}

function addJob(job: () => void): void {
  jobs.push(job)
  if (isRunning) return
  isRunning = true
  setTimeout(runJobs)
}

function runJobs(): void {
  const until = performance.now() + turnMs
  while (jobs.length > 0 && performance.now() < until) jobs.shift()!()
  isRunning = jobs.length > 0
  if (isRunning) setTimeout(runJobs)
}
