/**
 * A process that appends as fast as it can until it is killed. After each
 * append has returned it prints the number of the entry; the entries of both
 * documents are one commit. `sqlite-crash.test.ts` starts it with a path.
 */
import { writeSync } from 'node:fs'
import { openSqliteStore } from '../../server/store/sqlite/sqlite.ts'
import { bytes, chat, crashDocs, newRun } from './records.ts'

/** Every so many entries the first document is compacted. */
const compactEvery = 20

await appendForever(process.argv[2]!)

async function appendForever(path: string): Promise<void> {
  const store = openSqliteStore(path)
  await store.createChat(chat(), 'l')
  for (const id of crashDocs) await store.startRun(newRun(id))
  let state = ''
  for (let seq = 1; ; seq++) {
    const updates = [bytes(`${seq},`)]
    await store.log.append(crashDocs.map((doc) => ({ doc, epoch: 1, previousSeq: seq - 1, updates })))
    report(seq)
    state += `${seq},`
    if (seq % compactEvery === 0) await store.log.compact(crashDocs[0], 1, seq, bytes(state))
  }
}

/** The pipe takes nothing while its reader is behind. */
function report(seq: number): void {
  for (;;) {
    try {
      return void writeSync(1, `${seq}\n`)
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EAGAIN') throw error
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1)
    }
  }
}
