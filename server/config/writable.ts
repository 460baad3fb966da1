import { mkdtempSync, rmdirSync, statSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'

/** A disk that is full now is no fault of the settings. */
const passing = ['ENOSPC', 'EDQUOT', 'EMFILE', 'ENFILE']

/**
 * Why nothing can be written into this folder, or it cannot be made; undefined where all is well. It is tried, because
 * rights do not tell all of it; nothing of the try is left.
 */
export function whyNotWritable(folder: string): string | undefined {
  let place = resolve(folder)
  try {
    // What is not there is made in the folder above.
    while (statSync(place, { throwIfNoEntry: false }) === undefined && place !== dirname(place)) place = dirname(place)
    rmdirSync(mkdtempSync(join(place, '.runnel-')))
    return undefined
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : 'unknown'
    return passing.includes(code) ? undefined : `${place} cannot be written (${code})`
  }
}
