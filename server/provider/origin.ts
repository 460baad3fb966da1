/** Whom an answer came from: what only that model can read goes back to nobody else. */
import type { JsonObject } from '../../shared/schema.ts'
import { isFields } from './frames.ts'

export interface Origin {
  /** Without user, password and query. */
  baseUrl: string
  model: string
}

/** `redact`: an address may have a key in its path. */
export function originOf(baseUrl: string, model: string, redact: (text: string) => string): Origin {
  const { origin, pathname } = new URL(baseUrl)
  return { baseUrl: redact(origin + pathname), model }
}

/** What a provider wants back, marked with whose it is. */
export function marked(data: JsonObject, { baseUrl, model }: Origin): JsonObject {
  return { ...data, from: { baseUrl, model } }
}

/** Whether it may go there. What has no mark is of a time before there were any. */
export function isFrom({ from }: JsonObject, here: Origin | undefined): boolean {
  if (!isFields(from) || !here) return true
  return from.baseUrl === here.baseUrl && from.model === here.model
}
