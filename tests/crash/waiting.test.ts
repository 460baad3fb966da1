/** `kill -9` while messages wait for their turn. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { onTestFinished } from 'vitest'
import { startFakeOpenAI } from '../../testing/index.ts'
import { ChildNode } from '../many/children.ts'
import { fall, testFalls } from '../many/waiting-falls.ts'
import { saysHello } from '../helpers/says-hello.ts'

testFalls('a server', 'the next one', async (how) => {
  const folder = mkdtempSync(join(tmpdir(), 'runnel-waiting-'))
  const fake = await startFakeOpenAI(saysHello)
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
})
