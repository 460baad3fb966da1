/** The few calls of WebDriver (https://www.w3.org/TR/webdriver2/) that the walk needs, over HTTP. */
import type { KeyName, Tab } from './engine.ts'

const elementKey = 'element-6066-11e4-a52e-4f735466cecf'
const enterKey = '\uE007'
const keys: Record<KeyName, string> = { PageUp: '\uE00E', ArrowUp: '\uE013' }
const patienceMs = 30_000

/** One session of a driver: one browser. */
export class WebDriver {
  readonly #url: string
  /** The window that it came with: others are opened from there. */
  readonly #first: string
  /** What is said to one window goes out together. */
  #last: Promise<unknown> = Promise.resolve()

  private constructor(url: string, first: string) {
    this.#url = url
    this.#first = first
  }

  /** Is somebody there who takes a session? */
  static async isReady(driver: string): Promise<boolean> {
    const answer = await fetch(`${driver}/status`, { signal: AbortSignal.timeout(patienceMs) }).catch(() => null)
    return answer !== null && ((await answer.json()) as { value: { ready: boolean } }).value.ready
  }

  static async open(driver: string, capabilities: object): Promise<{ session: WebDriver; name: string }> {
    const { sessionId, capabilities: got } = await ask<{
      sessionId: string
      capabilities: { browserName: string; browserVersion: string }
    }>('POST', `${driver}/session`, { capabilities: { alwaysMatch: capabilities } })
    const url = `${driver}/session/${sessionId}`
    return {
      session: new WebDriver(url, await ask<string>('GET', `${url}/window`)),
      name: `${got.browserName} ${got.browserVersion}`,
    }
  }

  /** A new window, so that no tab hides another. */
  async tab(url: string): Promise<Tab> {
    const { handle } = await this.#in<{ handle: string }>(this.#first, [['POST', '/window/new', { type: 'window' }]])
    const say = <Answer>(...commands: readonly Command[]) => this.#in<Answer>(handle, commands)
    const onElement = async (selector: string, verb: 'click' | 'value', body: object) => {
      const element = await say<Record<string, string>>([
        'POST',
        '/element',
        { using: 'css selector', value: selector },
      ])
      await say(['POST', `/element/${element[elementKey]}/${verb}`, body])
    }
    await say(['POST', '/url', { url }])
    return {
      evaluate: (look, ...args) =>
        say(['POST', '/execute/sync', { script: `return (${look.toString()}).apply(null, arguments)`, args }]),
      click: (selector) => onElement(selector, 'click', {}),
      type: (selector, text) => onElement(selector, 'value', { text: text.replaceAll('\n', enterKey) }),
      key: (name) =>
        say([
          'POST',
          '/actions',
          {
            actions: [
              {
                type: 'key',
                id: 'keys',
                actions: (['keyDown', 'keyUp'] as const).map((type) => ({ type, value: keys[name] })),
              },
            ],
          },
        ]),
      reload: () => say(['POST', '/refresh', {}]),
      close: () => say(['DELETE', '/window']),
    }
  }

  close(): Promise<void> {
    return ask('DELETE', this.#url)
  }

  #in<Answer>(handle: string, commands: readonly Command[]): Promise<Answer> {
    const said = this.#last.then(async () => {
      let answer: unknown = await ask('POST', `${this.#url}/window`, { handle })
      for (const [method, path, body] of commands) answer = await ask(method, this.#url + path, body)
      return answer as Answer
    })
    this.#last = said.catch(() => {})
    return said
  }
}

type Command = [method: 'GET' | 'POST' | 'DELETE', path: string, body?: object]

async function ask<Answer>(method: string, url: string, body?: object): Promise<Answer> {
  const answer = await fetch(url, {
    method,
    ...(body && { body: JSON.stringify(body), headers: { 'content-type': 'application/json' } }),
    signal: AbortSignal.timeout(patienceMs),
  })
  const { value } = (await answer.json()) as { value: Answer & { error?: string; message?: string } }
  if (!answer.ok) throw new Error(`${method} ${new URL(url).pathname}: ${value.error}: ${value.message}`)
  return value
}
