import type { Exchange } from './exchange.ts'
import type { Scope } from './scope.ts'
export function answerControl(_e: Exchange, _s: Scope, _t: string): boolean {
  return false
}
