import { checkMatcher, matches, matcherText, type Matcher } from './matcher.ts'
import type { ReceivedRequest } from './received-request.ts'
import { checkScript, type Answering, type Script } from './script.ts'

/** What `on()` gives: how often the answer is for. */
export interface Expected {
  /** As it is without a word. */
  once(): Expected
  times(count: number): Expected
  /** As often as it fits, behind all that is expected so many times; never being used is no fault. */
  always(): Expected
  /** How many requests it has answered. */
  readonly used: number
}

interface Expectation {
  matcher: Matcher
  answering: Answering
  limit: number
  used: number
  onRequest?: (request: ReceivedRequest) => void
}

/** What is expected, in its order: first what is expected so many times, then what is always. */
export class Expectations {
  readonly #all: Expectation[] = []

  add(matcher: Matcher, answering: Answering, onRequest?: (request: ReceivedRequest) => void): Expected {
    checkMatcher(matcher)
    if (typeof answering !== 'function') checkScript(answering)
    const expectation: Expectation = { matcher, answering, limit: 1, used: 0, ...(onRequest && { onRequest }) }
    this.#all.push(expectation)
    const limited = (limit: number): Expected => {
      if (!(limit > 0)) throw new TypeError(`times(${limit}): expected is what comes once at least.`)
      expectation.limit = limit
      return expected
    }
    const expected: Expected = {
      once: () => limited(1),
      times: limited,
      always: () => limited(Infinity),
      get used() {
        return expectation.used
      },
    }
    return expected
  }

  /** Who answers this request; null: nobody expected it. */
  take(request: ReceivedRequest): Answering | null {
    const open = this.#all.filter(({ used, limit }) => used < limit)
    const next = [
      ...open.filter(({ limit }) => limit !== Infinity),
      ...open.filter(({ limit }) => limit === Infinity),
    ].find(({ matcher }) => matches(matcher, request))
    if (!next) return null
    next.used += 1
    next.onRequest?.(request)
    return next.answering
  }

  /** Whether something is expected of a path by its name. */
  namesPath(request: ReceivedRequest): boolean {
    return this.#all.some(({ matcher: { path } }) => path !== undefined && matches({ path }, request))
  }

  /** What is expected and has not come, a line each. */
  get unused(): string[] {
    return this.#all
      .filter(({ used, limit }) => limit !== Infinity && used < limit)
      .map(({ matcher, used, limit, answering }) => {
        const count = limit === 1 ? 'was not used' : `was used ${used} of ${limit} times`
        return `${scriptText(answering)} for ${matcherText(matcher)} ${count}`
      })
  }

  /** All of it, for whoever wonders why a request was not expected. */
  get lines(): string[] {
    return this.#all.map(({ matcher, used, limit, answering }) => {
      const count = limit === Infinity ? 'always' : `used ${used} of ${limit}`
      return `${scriptText(answering)} for ${matcherText(matcher)} (${count})`
    })
  }

  clear(): void {
    this.#all.length = 0
  }
}

function scriptText(answering: Answering): string {
  return typeof answering === 'function' ? 'a function' : SHORT[answering.kind](answering as never)
}

const SHORT: { [K in Script['kind']]: (script: Extract<Script, { kind: K }>) => string } = {
  answer: ({ steps }) => {
    if (!Array.isArray(steps)) return 'an answer step by step'
    const text = steps.map((step) => (step.type === 'text' ? step.text : '')).join('')
    return `the answer ${JSON.stringify(text.length > 60 ? `${text.slice(0, 60)}…` : text)}`
  },
  recorded: ({ body }) => `a recorded body of ${body.length} bytes`,
  reply: ({ status }) => `HTTP ${status}`,
  drop: () => 'a dropped connection',
  reset: () => 'a reset connection',
  silent: () => 'silence',
}
