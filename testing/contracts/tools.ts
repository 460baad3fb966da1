/** What a suite needs of a test runner: vitest, Jest and Bun have all of it. */
export interface TestTools {
  describe(name: string, body: () => void): void
  it(name: string, body: () => Promise<void> | void): void
  expect: Expect
}

export interface Expect {
  (value: unknown, name?: string): Matchers
  stringContaining(part: string): unknown
}

interface Matchers {
  not: Matchers
  toBe(value: unknown): unknown
  toBeInstanceOf(type: new (...args: never[]) => unknown): unknown
  toBeNull(): unknown
  toBeUndefined(): unknown
  toBeGreaterThan(value: number): unknown
  toEqual(value: unknown): unknown
  toHaveLength(length: number): unknown
  toMatchObject(value: object): unknown
}
