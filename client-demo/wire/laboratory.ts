import { Lab } from '@runnel/client/lab'
import { reroute } from './line.ts'

let lab: Lab | null = null

/** The laboratory on this page's line: put there once, and left there. */
export function laboratory(): Lab {
  if (!lab) {
    lab = new Lab()
    reroute(lab)
  }
  return lab
}
