import type { CodeNode } from '@runnel/client/markdown'
import { moduleOf } from './languages.ts'
import type { Above, tokensOf } from './lowlight.ts'
import type { Token } from './token.ts'

type Piece = CodeNode['children'][number]

/** The most time taken in one go, because the frame has other work to do. */
const turnMs = 5
const jobs: (() => void)[] = []
let isRunning = false

/** What the piece behind one that is whole has above. */
const above = new WeakMap<Piece, Above>()

export interface Wanted {
  language: string
  piece: Piece
  /** What stands before it, whole. */
  previous: Piece | undefined
  /** No more of it will come. */
  isWhole: boolean
}

/**
 * Calls `show` with the tokens of a piece of code when there is time, and once its language has come; never for a language that is not
 * known, nor where it cannot be told what is open above. Pieces are asked for in their order. Answers with what calls it off.
 */
export function highlight(
  { language, piece, previous, isWhole }: Wanted,
  show: (tokens: readonly Token[]) => void,
): (() => void) | undefined {
  const module = moduleOf(language)
  if (module === undefined) return undefined
  let isWanted = true
  // Code is readable without its grammar, too.
  void readerOf(module).then((read) => {
    if (!read) return
    addJob(() => {
      if (!isWanted) return
      const { tokens, next } = read(module, previous ? (above.get(previous) ?? null) : '', piece.text)
      if (isWhole) above.set(piece, next)
      if (tokens) show(tokens)
    })
  })
  return () => {
    isWanted = false
  }
}

type Reader = typeof tokensOf

/** One promise for all that want the same: what it calls then is called in its order. And each `import()` of a built page walks through its whole document. */
const readers = new Map<string, Promise<Reader | null>>()

function readerOf(module: string): Promise<Reader | null> {
  const known = readers.get(module)
  if (known) return known
  const coming = import('./lowlight.ts')
    .then(async ({ bringGrammar, tokensOf }) => ((await bringGrammar(module)) ? tokensOf : null))
    .catch(() => null)
  readers.set(module, coming)
  // The next use tries to load it again.
  void coming.then((reader) => reader ?? readers.delete(module))
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
