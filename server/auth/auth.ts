/** The port to whoever knows the users. */
export interface User {
  id: string
  name: string
}

export interface Auth {
  /**
   * The user whom a token stands for; `undefined` is a caller without one.
   * Throws `unauthenticated`.
   */
  authenticate(token: string | undefined): Promise<User>
}
