/** What is done at the start, and then again and again. */
import { toEach } from '../room/fence.ts'
import type { Doors } from './doors.ts'
import type { Foundation } from './foundation.ts'
import type { Runs } from './runs.ts'
import type { Screens } from './screens.ts'

/** Claims of idempotency keys live for a day, and files that no message has. */
const dayMs = 24 * 3_600_000

type Ground = Pick<Foundation, 'config' | 'log' | 'now' | 'store' | 'authors' | 'cluster' | 'quiet' | 'reach'>

export class Upkeep {
  readonly #ground: Ground
  readonly #runs: Runs

  constructor(ground: Ground, runs: Runs) {
    this.#ground = ground
    this.#runs = runs
  }

  /** What comes before the first request. A setting that is wrong, or a server that is not there, ends the start with its reason. */
  async recover(): Promise<void> {
    const { authors, cluster, reach } = this.#ground
    const { ends, tasks, deletion } = this.#runs
    await reach()
    // The first stop need not wait for it.
    await authors.ready()
    await ends?.recover()
    await tasks.recover()
    // On other nodes files may be on their way.
    await (cluster.many ? deletion.leftBytes() : deletion.recover()).catch(this.#notRemoved)
    await this.#dropExpired()
  }

  /** Begins all sweeps; returns what stops them, one by one. */
  begin({ rooms, sockets, events }: Screens, { door, answers }: Doors): (() => void)[] {
    const { config, log, quiet } = this.#ground
    const { ends, tasks } = this.#runs
    return [
      // Timeouts are seen a quarter of their length late at the most.
      this.#every(
        Math.min(
          1_000,
          config.RUNNEL_HEARTBEAT_TIMEOUT_MS / 4,
          config.RUNNEL_VIEWER_STALL_MS / 4,
          config.RUNNEL_HELLO_MS / 4,
        ),
        ...[sockets, events, door, answers].map((swept) => () => swept.sweep()),
      ),
      this.#every(2_000, () => {
        rooms.compare().catch((err: unknown) => log.warn({ err }, 'documents could not be compared with their logs'))
      }),
      this.#every(
        1_000,
        () => rooms.sweep(),
        () => tasks.sweep(),
        () => ends?.sweep(),
        () => quiet.sweep(),
      ),
      this.#every(config.RUNNEL_LEASE_MS / 3, () => tasks.sweepNodes()),
      this.#every(3_600_000, () => this.#dropOld()),
    ]
  }

  /** What throws is done again next time. It ends no process, and holds up nothing of the others. */
  #every(ms: number, ...works: (() => void)[]): () => void {
    const timer = setInterval(
      () =>
        toEach(
          works,
          (work) => work(),
          (_work, err) => this.#ground.log.error({ err }, 'a sweep met an error'),
        ),
      ms,
    )
    return () => clearInterval(timer)
  }

  #dropOld(): void {
    const { log, now, store } = this.#ground
    const { deletion } = this.#runs
    void this.#dropExpired()
    void deletion.leftBytes().catch(this.#notRemoved)
    store.dropClaims(now() - dayMs).catch((err: unknown) => log.error({ err }, 'old claims could not be dropped'))
    store
      .dropUnattachedFiles(now() - dayMs)
      .then((ids) => deletion.bytes(ids))
      .catch((err: unknown) => log.error({ err }, 'files of no message could not be dropped'))
  }

  async #dropExpired(): Promise<void> {
    const { log, now } = this.#ground
    await this.#runs.deletion
      .expired(now(), (err, chatId) => log.error({ err, chatId }, 'an expired chat could not be deleted'))
      .catch((err: unknown) => log.error({ err }, 'expired chats could not be deleted'))
  }

  readonly #notRemoved = (err: unknown): void => this.#ground.log.error({ err }, 'deleted files could not be removed')
}
