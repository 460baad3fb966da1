import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { onTestFinished } from 'vitest'
import { RunnelError, type ErrorCode } from '../../shared/errors.ts'
import type { Store } from '../../server/store/store.ts'
import { bytes, text } from './records.ts'

/** Opens a store for one test, which closes it. */
export type OpenStore = () => Store

/** One entry of the log: `previousSeq` and the updates as text. */
export function append(store: Store, doc: string, epoch: number, previousSeq: number, ...updates: string[]) {
  return store.log.append([{ doc, epoch, previousSeq, updates: updates.map(bytes) }])
}

/** The log of a document with its bytes as text. */
export async function readLog(store: Store, doc: string) {
  const contents = await store.log.read(doc)
  return (
    contents && { ...contents, state: text(contents.state), updates: contents.updates.map((update) => text(update)) }
  )
}

/** A folder that is removed when the test ends. */
export function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'runnel-store-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  return folder
}

/** What `run` throws or rejects with; fails the test for anything but a RunnelError of this code. */
export async function refusal(code: ErrorCode, run: () => unknown): Promise<RunnelError> {
  let thrown: unknown
  try {
    await run()
  } catch (error) {
    thrown = error
  }
  if (!(thrown instanceof RunnelError) || thrown.code !== code) {
    throw new Error(`expected ${code}, got ${String(thrown)}`, { cause: thrown })
  }
  return thrown
}
