/** Several nodes in this process, with a Postgres and a Redis of their own, and a provider that all of them ask. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, onTestFinished } from 'vitest'
import {
  Collector,
  startFakeOpenAI,
  startRunnel,
  type FakeOpenAI,
  type FakeOpenAIOptions,
  type StartedRunnel,
} from '../../testing/index.ts'
import { startPostgres, type Postgres } from '../helpers/postgres.ts'
import { startRedis, type RedisServer, type RedisServerOptions } from '../helpers/redis.ts'
import { saysHello } from '../helpers/says-hello.ts'

export type NodeSettings = NonNullable<Parameters<typeof startRunnel>[0]>

export interface World {
  fake: FakeOpenAI
  redis: RedisServer
  /** What all nodes are started with. */
  settings: NodeSettings
  /** One node more; closed at the end of the test. */
  node(more?: NodeSettings): Promise<StartedRunnel>
}

let postgres: Postgres

/** Once a file: the database server for all its tests. */
export function usePostgres(): { readonly postgres: Postgres } {
  beforeAll(async () => {
    postgres = await startPostgres()
  }, 30_000)
  afterAll(() => postgres.close())
  return {
    get postgres() {
      return postgres
    },
  }
}

/** An empty database, an empty Redis and no node yet. */
export async function newWorld(
  options: { fake?: FakeOpenAIOptions; redis?: RedisServerOptions; settings?: NodeSettings } = {},
): Promise<World> {
  const folder = mkdtempSync(join(tmpdir(), 'runnel-many-'))
  const [fake, redis, database] = await Promise.all([
    startFakeOpenAI(options.fake ?? saysHello),
    startRedis(options.redis),
    postgres.database(),
  ])
  onTestFinished(async () => {
    await fake.close()
    await redis.kill()
    rmSync(folder, { recursive: true, force: true })
  })
  const settings: NodeSettings = {
    DATABASE_URL: database,
    REDIS_URL: redis.url,
    OPENAI_BASE_URL: fake.url,
    OPENAI_API_KEY: 'key',
    RUNNEL_MODEL: 'm',
    RUNNEL_FILES_DIR: folder,
    RUNNEL_LEASE_MS: 2_000,
    LOG_LEVEL: 'silent',
    ...options.settings,
  }
  return {
    fake,
    redis,
    settings,
    node: async (more = {}) => {
      const server = await startRunnel({ ...settings, ...more })
      onTestFinished(() => server.close())
      return server
    },
  }
}

/** A `/ws` viewer. */
export function view(node: { url: string }): Collector {
  const viewer = new Collector(node.url)
  onTestFinished(() => viewer.close())
  return viewer
}
