/** Ports that a program brings itself: an object of any kind, with all that the port has. */
import { RunnelError } from '../../shared/errors.ts'
import type { Cluster, UpdateLog } from '../cluster/cluster.ts'
import type { Store } from '../store/store.ts'

const logMethods: Record<keyof UpdateLog, 'needed' | 'optional'> = {
  append: 'needed',
  read: 'needed',
  compact: 'needed',
  restore: 'optional',
  heads: 'optional',
  release: 'optional',
  forget: 'optional',
}

/** `model`: any store, for the names of its methods. Throws `bad_request`. */
export function ownStore(store: Store, model: Store): Store {
  return withLog('store', store, model)
}

/** `model`: any cluster, for the names of its methods. Throws `bad_request`. */
export function ownCluster(cluster: Cluster, model: Cluster): Cluster {
  return withLog('cluster', cluster, model)
}

function withLog<Port extends Store | Cluster>(option: string, given: Port, model: Port): Port {
  const port = flat(option, given, Object.keys(model))
  const log = flat(
    `${option}.log`,
    port.log,
    Object.entries(logMethods).flatMap(([name, need]) => (need === 'needed' || name in port.log ? name : [])),
  )
  return Object.defineProperty(port, 'log', { value: log, enumerable: true })
}

/**
 * An object of its own with these names, so that it can be spread: a class may stand behind it, and its methods stay
 * bound to it.
 */
function flat<Port extends object>(option: string, given: Port, names: readonly string[]): Port {
  const missing = names.filter((name) => (given as Record<string, unknown>)[name] === undefined)
  if (missing.length > 0)
    throw new RunnelError('bad_request', `The option \`${option}\` has no ${missing.join(', no ')}.`)
  const port = {} as Port
  for (const name of names) {
    Object.defineProperty(port, name, {
      enumerable: true,
      configurable: true,
      get: () => {
        const value: unknown = Reflect.get(given, name)
        return typeof value === 'function' ? (value.bind(given) as unknown) : value
      },
      set: (value: unknown) => {
        Reflect.set(given, name, value)
      },
    })
  }
  return port
}
