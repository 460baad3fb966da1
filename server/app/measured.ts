/** Cluster and store as all others see them, with a clock beside what an operator wants to know. */
import type { Cluster } from '../cluster/cluster.ts'
import type { Metrics } from '../operation/metrics.ts'
import type { Store } from '../store/store.ts'

type ClusterMetrics = Pick<Metrics, 'logAppended' | 'remoteShown'>
type StoreMetrics = Pick<Metrics, 'saved' | 'takeover' | 'ordersHeard'>

/** Runs whose orders are counted at most; then the count begins anew, and may count some twice. */
const maxCounted = 10_000

export function measuredCluster(cluster: Cluster, metrics: ClusterMetrics): Cluster {
  const { log } = cluster
  return {
    ...cluster,
    log: {
      ...log,
      // At once where the log answers at once: SQLite's must stay one step with the broadcast.
      append(entries) {
        const startedAt = performance.now()
        const appended = log.append(entries)
        if (!(appended instanceof Promise)) {
          metrics.logAppended(performance.now() - startedAt)
          return appended
        }
        const measured = () => metrics.logAppended(performance.now() - startedAt)
        return appended.finally(measured).then((results) => {
          for (const result of results)
            if (result.status === 'unanswered') result.answer.finally(measured).catch(() => {})
          return results
        })
      },
    },
    // An entry carries no time, and clocks of machines differ: from its receipt.
    follow: (doc, onEntry) =>
      cluster.follow(doc, (entry) => {
        const receivedAt = performance.now()
        onEntry(entry)
        metrics.remoteShown(performance.now() - receivedAt)
      }),
    // The adapter calls what stands in it.
    get onNews() {
      return cluster.onNews
    },
    set onNews(listener) {
      cluster.onNews = listener
    },
    get onLeaseLost() {
      return cluster.onLeaseLost
    },
    set onLeaseLost(listener) {
      cluster.onLeaseLost = listener
    },
  }
}

export function measuredStore(store: Store, metrics: StoreMetrics): Store {
  /** They stay in the store until their run has ended, and are read again and again. */
  const counted = new Map<string, number>()
  return {
    ...store,
    async endRun(final) {
      const startedAt = performance.now()
      try {
        return await store.endRun(final)
      } finally {
        metrics.saved(performance.now() - startedAt)
        counted.delete(final.taskId)
      }
    },
    async takeOver(...row) {
      try {
        const taken = await store.takeOver(...row)
        metrics.takeover(taken ? 'taken' : 'late')
        return taken
      } catch (error) {
        metrics.takeover('failed')
        throw error
      }
    },
    async ordersOf(taskIds, heard = []) {
      const orders = await store.ordersOf(taskIds, heard)
      const found = new Map<string, number>()
      for (const { taskId } of [...heard, ...orders]) found.set(taskId, (found.get(taskId) ?? 0) + 1)
      for (const [taskId, count] of found) {
        metrics.ordersHeard(Math.max(0, count - (counted.get(taskId) ?? 0)))
        if (counted.size >= maxCounted) counted.clear()
        counted.set(taskId, count)
      }
      return orders
    },
  }
}
