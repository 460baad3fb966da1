import type { Cluster, UpdateLog } from './cluster.ts'

/** One machine: the store's own log carries the live documents, and nobody else is there. */
export function localCluster(log: UpdateLog): Cluster {
  return {
    node: 'local',
    many: false,
    log,
    follow: () => Promise.resolve(() => {}),
    heads: (docs) => Promise.resolve(docs.map(() => null)),
    alive: (nodes) => Promise.resolve(new Set(nodes)),
    tell: () => {},
    onNews: () => {},
    onLeaseLost: () => {},
    probe: () => Promise.resolve(),
    close: () => Promise.resolve(),
  }
}
