import { Lab } from '@runnel/client/lab'
import { reroute } from './line.ts'

let lab: Lab | null = null

/** The lab on this page's connection: it is put there once and stays. */
export function laboratory(): Lab {
  if (!lab) {
    lab = new Lab()
    reroute(lab)
  }
  return lab
}
