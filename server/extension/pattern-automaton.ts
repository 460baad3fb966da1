import type { CharacterClass } from './character-classes.ts'
import type { Border, Step } from './pattern-program.ts'

/**
 * All matches of a pattern that may be under way at one place of a text. States are made
 * when a text first needs them and then known: a character more costs a look
 * into a table, whatever the text.
 *
 * A way that a match may take stands before those that the engine of the
 * language would try after it: earlier beginnings first. What two ways have to
 * come is the same where they stand at the same step, so the later one goes.
 */
export interface State {
  readonly threads: readonly Thread[]
  /** Different beginnings of its threads, in their order. */
  readonly starts: number
  /** A match was found, and only a better one is looked for. */
  readonly found: boolean
  /** What the character before is to borders; null at the start of the text. */
  readonly before: string | null
  /** By class. */
  readonly next: (Transition | undefined)[]
  atEnd: Transition | undefined
}

/** Registers are numbers of places: those of the state before, `here` (before the character), or `behind` it. */
export const here = -1
export const behind = -2
const none = -3

export interface Transition {
  readonly state: State
  /** Where the registers of the new state come from. */
  readonly starts: readonly number[]
  readonly ends: readonly number[]
  readonly match: Match | null
}

interface Match {
  start: number
  end: number
}

interface Thread {
  step: Step
  /** What must, or must not, follow from an earlier place on. */
  looks: readonly Look[]
  /** Loops whose iteration has matched nothing so far. */
  entered: readonly number[]
  start: number
  /** Of one that has matched and waits for its looks. */
  end: number
}

interface Look {
  negated: boolean
  threads: readonly Thread[]
  key: string
}

/** What is known at a place: of the next character nothing yet (undefined), or that there is none (null). */
interface Place {
  before: string | null
  next: CharacterClass | null | undefined
}

const maxStates = 4_000

export class Automaton {
  readonly #root: Step
  readonly #hasBorders: boolean
  #states = new Map<string, State>()

  /** `hasBorders`: what stands before a place makes a difference. */
  constructor(root: Step, hasBorders: boolean) {
    this.#root = root
    this.#hasBorders = hasBorders
  }

  /** Nothing is under way. `previous`: the character before; null at the start of the text. */
  initial(previous: CharacterClass | null): State {
    return this.#state([], 0, false, previous && this.#before(previous))
  }

  /** One character more; null: there is none, the text ends here. */
  next(state: State, character: CharacterClass | null): Transition {
    const known = character ? state.next[character.id] : state.atEnd
    if (known) return known
    const made = this.#transition(state, character)
    if (character) state.next[character.id] = made
    else state.atEnd = made
    return made
  }

  #transition(state: State, character: CharacterClass | null): Transition {
    const place = { before: state.before, next: character }
    const ways = new Ways(place, here)
    for (const thread of state.threads) ways.go(thread)
    if (!state.found) ways.go({ step: this.#root, looks: [], entered: [], start: here, end: none })
    if (!character) return { state, starts: [], ends: [], match: ways.match }
    const taken = ways.take(character, this.#before(character))
    const match = taken.match ?? ways.match
    const starts: number[] = []
    const ends: number[] = []
    const threads = taken.threads.map((thread) => {
      if (starts.at(-1) !== thread.start) starts.push(thread.start)
      const waits = thread.step.type === 'match'
      return { ...thread, start: starts.length - 1, end: waits ? ends.push(thread.end) - 1 : none }
    })
    const found = state.found || match !== null
    return { state: this.#state(threads, starts.length, found, this.#before(character)), starts, ends, match }
  }

  #before(character: CharacterClass): string {
    return this.#hasBorders ? character.borders : ''
  }

  #state(threads: readonly Thread[], starts: number, found: boolean, before: string | null): State {
    const key = `${before} ${found} ${threads.map((thread) => `${thread.start}:${keyOf(thread)}`).join(' ')}`
    const known = this.#states.get(key)
    if (known) return known
    // A text goes on from the states that it has; the others are made again.
    if (this.#states.size === maxStates) this.#states = new Map()
    const made: State = { threads, starts, found, before, next: [], atEnd: undefined }
    this.#states.set(key, made)
    return made
  }
}

/** Ways in their order, each step once. What matches ends the list. */
class Ways {
  readonly threads: Thread[] = []
  match: Match | null = null
  readonly #place: Place
  /** The register of a match that is found in this place. */
  readonly #now: number
  readonly #seen = new Set<string>()

  constructor(place: Place, now: number) {
    this.#place = place
    this.#now = now
  }

  /** Follows a way as far as it goes without a character. Its looks are followed, too. */
  go(thread: Thread): void {
    if (this.match) return
    const looks = followed(thread.looks, (look) => {
      const ways = new Ways(this.#place, this.#now)
      for (const inside of look.threads) ways.go(inside)
      return ways
    })
    if (looks) this.#go({ ...thread, looks })
  }

  /** The ways that take the character. */
  take(character: CharacterClass, before: string): Ways {
    const ways = new Ways({ before, next: undefined }, behind)
    for (const thread of this.threads) {
      if (ways.match) break
      const step = afterCharacter(thread.step, character)
      const looks = step && followed(thread.looks, (look) => takeAll(look, this.#place, character, before))
      if (step && looks) ways.#go({ ...thread, step, looks, entered: step === thread.step ? thread.entered : [] })
    }
    return ways
  }

  #go(thread: Thread): void {
    if (this.match) return
    const key = keyOf(thread)
    if (this.#seen.has(key)) return
    this.#seen.add(key)
    const { step } = thread
    switch (step.type) {
      case 'unit':
      case 'low':
        // At the end there is no character to take.
        if (this.#place.next !== null) this.threads.push(thread)
        return
      case 'split':
        this.#go({ ...thread, step: step.first })
        return this.#go({ ...thread, step: step.second })
      case 'enter':
        return this.#go({ ...thread, step: step.next, entered: [...thread.entered, step.loop] })
      case 'leave':
        if (!thread.entered.includes(step.loop)) this.#go({ ...thread, step: step.next })
        return
      case 'border':
        if (this.#place.next === undefined) this.threads.push(thread)
        else if (isBorder(step.border, this.#place.before, this.#place.next)) this.#go({ ...thread, step: step.next })
        return
      case 'look':
        return this.#look(thread, step)
      case 'match': {
        // One that waits for its looks has matched before.
        const end = thread.end === none ? this.#now : thread.end
        if (thread.looks.length === 0) this.match = { start: thread.start, end }
        else this.threads.push({ ...thread, end })
      }
    }
  }

  #look(thread: Thread, { negated, body, next }: Extract<Step, { type: 'look' }>): void {
    const ways = new Ways(this.#place, this.#now)
    ways.#go({ step: body, looks: [], entered: [], start: here, end: none })
    const looks = followed([{ negated, threads: [], key: '' }], () => ways)
    if (!looks) return
    const added = looks.filter(({ key }) => thread.looks.every((look) => look.key !== key))
    this.#go({ ...thread, step: next, looks: [...thread.looks, ...added] })
  }
}

function takeAll({ threads }: Look, place: Place, character: CharacterClass, before: string): Ways {
  const ways = new Ways(place, here)
  for (const thread of threads) ways.threads.push(thread)
  return ways.take(character, before)
}

/** What is left of looks that were followed; null: one of them forbids the way. */
function followed(looks: readonly Look[], follow: (look: Look) => Ways): readonly Look[] | null {
  if (looks.length === 0) return looks
  const left = new Map<string, Look>()
  for (const look of looks) {
    const { match, threads } = follow(look)
    const isDecided = match !== null || threads.length === 0
    if (isDecided && (match !== null) === look.negated) return null
    if (isDecided) continue
    const key = `${look.negated ? '!' : '='}(${threads.map(keyOf).join(' ')})`
    left.set(key, { negated: look.negated, threads, key })
  }
  return [...left.values()]
}

/** Where a way stands behind a character; null: it does not take it. One that has matched only waits. */
function afterCharacter(step: Step, { kind, units }: CharacterClass): Step | null {
  if (step.type === 'match') return step
  if (step.type === 'low') return kind === 'low' ? step.next : null
  if (step.type !== 'unit' || !units[step.test]) return null
  return kind === 'high' && step.low ? step.low : step.next
}

function isBorder(border: Border, before: string | null, next: CharacterClass | null): boolean {
  const wasBefore = border.test !== null && before !== null && before[border.test] === '1'
  const isNext = border.test !== null && next !== null && next.borders[border.test] === '1'
  switch (border.type) {
    case 'start':
      return before === null || wasBefore
    case 'end':
      return next === null || isNext
    case 'word':
      return (wasBefore !== isNext) !== border.negated
  }
}

function keyOf({ step, looks, entered }: Thread): string {
  return `${step.id}${entered.map((loop) => `@${loop}`).join('')}${looks.map(({ key }) => key).join('')}`
}
