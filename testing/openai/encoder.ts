import type { ReceivedRequest } from './received-request.ts'
import type { Content, FakeUsage } from './script.ts'

/** Encodes the steps of one answer, one after the other. Each string is the frames of one write. */
export interface AnswerEncoder {
  start(): string[]
  encode(step: Content): string[]
  /** What was encoded so far, as the one document that an answer without a stream is. */
  whole(): object
}

/** `id`: a number that no other answer of this fake has. */
export type MakeEncoder = (request: ReceivedRequest, id: number) => AnswerEncoder

export const USUAL_USAGE: FakeUsage = { inputTokens: 10, outputTokens: 20 }

export function dataFrame(value: object): string {
  return `data: ${JSON.stringify(value)}\n\n`
}

export function nowInSeconds(): number {
  return Math.floor(Date.now() / 1_000)
}
