import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { onTestFinished } from 'vitest'

export { append, readLog, refusal } from '../../testing/contracts/fixtures.ts'

/** A folder that is removed when the test ends. */
export function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'runnel-store-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  return folder
}
