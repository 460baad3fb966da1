/** A browser as the walk knows it: the same few calls for every engine. */
export interface Engine {
  /** Its name and version. */
  readonly name: string
  /** A new tab, where the page at this address has been loaded. */
  open: (url: string) => Promise<Tab>
  /** Ends it, and all that it started. */
  close: () => Promise<void>
}

export type KeyName = 'PageUp' | 'ArrowUp'

export interface Tab {
  /** Runs a function in the page, on values that JSON can say. It knows nothing of what stands around it here. */
  evaluate: <Args extends unknown[], Result>(look: (...args: Args) => Result, ...args: Args) => Promise<Result>
  /** As a person does: on the first that matches. */
  click: (selector: string) => Promise<void>
  /** Key by key, into the first that matches; `\n` is the key Enter. */
  type: (selector: string, text: string) => Promise<void>
  /** One key, to what has the focus. */
  key: (name: KeyName) => Promise<void>
  reload: () => Promise<void>
  close: () => Promise<void>
}
