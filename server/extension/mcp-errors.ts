/** The server is gone, or the way to it: another connection may help. `shown`: the same for people who may not know where it is. */
export class ConnectionLost extends Error {
  readonly shown: string

  constructor(message: string, shown = message) {
    super(message)
    this.shown = shown
  }
}

/** The server does not know our session, and so has done nothing of what it was asked: a new one may ask again. */
export class SessionForgotten extends ConnectionLost {}

/** The server answered, with an error or with what is no answer. */
export class ErrorAnswer extends Error {}

/** Its answer ended before it began, or is none; the connection is as it was. */
export class NoAnswer extends ErrorAnswer {}
