/** `kill -9` while messages wait for their turn. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { onTestFinished, test } from 'vitest'
import { startFakeOpenAI } from '../../testing/index.ts'
import { ChildNode } from '../many/children.ts'
import { fall, falls, moments, nameOf } from '../many/waiting-falls.ts'

const kills = Number(process.env.RUNNEL_TEST_KILLS ?? 1)

async function once(how: Parameters<typeof fall>[3]): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'runnel-waiting-'))
  const fake = await startFakeOpenAI()
  onTestFinished(async () => {
    await fake.close()
    rmSync(folder, { recursive: true, force: true })
  })
  const settings = {
    DATABASE_URL: `sqlite:${folder}/runnel.db`,
    OPENAI_BASE_URL: fake.url,
    OPENAI_API_KEY: 'key',
    RUNNEL_MODEL: 'm',
    LOG_LEVEL: 'silent',
  }
  await fall(fake, settings, () => new ChildNode().start(settings), how)
}

test.each(falls.slice(0, kills).map((how) => [nameOf(how), how] as const))(
  'a server that is killed %s: the next one sends what waits, once',
  { timeout: 90_000 },
  (_name, how) => once(how),
)

test
  .runIf(kills > falls.length)
  .each([...moments(kills > falls.length ? kills : 0)].map((how) => [how.afterMs, how] as const))(
  'at any moment: %i ms',
  { timeout: 90_000 },
  (_ms, how) => once(how),
)
