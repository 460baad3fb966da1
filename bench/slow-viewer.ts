/** P4: what fifty viewers notice of one that has stopped reading. */
import { post, quantile, watch, type Figure } from './harness.ts'
import { ageOf, startProvider } from './load.ts'
import { startServer } from './server.ts'

const viewers = 50
const turns = 3
const turnMs = 6_000
/** 80 a second: 2 MB of text, more in a turn than the system's buffers take for one that does not read. */
const chunk = 'abcdefghijklmno '.repeat(1_600)

export async function slowViewer(): Promise<Figure[]> {
  const provider = await startProvider(80, '', chunk)
  const { url, close } = await startServer({ OPENAI_BASE_URL: provider.url, RUNNEL_MAX_MESSAGE_BYTES: '100000000' })
  const ages: Record<'alone' | 'beside', number[]> = { alone: [], beside: [] }

  for (const turn of Array.from({ length: turns }, () => ['alone', 'beside'] as const).flat()) {
    const chat = await post(`${url}/api/chats`, {})
    const { messageId } = await post(`${url}/api/chats/${chat.id}/messages`, { content: 'go' })
    const sockets = await Promise.all(
      Array.from({ length: viewers }, () =>
        watch(url, messageId, (data) => {
          const age = ageOf(data)
          if (age !== null && age >= 0) ages[turn].push(age)
        }),
      ),
    )
    if (turn === 'beside') {
      const slow = await watch(url, messageId, () => slow.pause())
      sockets.push(slow)
    }
    await new Promise((resolve) => setTimeout(resolve, turnMs))
    await post(`${url}/api/messages/${messageId}/stop`, {})
    for (const socket of sockets) socket.terminate()
  }
  provider.close()
  await close()
  const [alone, beside] = [quantile(ages.alone, 0.99), quantile(ages.beside, 0.99)]
  return [
    { name: `${viewers} viewers at 2 MB/s: chunk to viewer p99`, value: alone, unit: 'ms' },
    {
      name: `the same beside one that does not read, in the time of that`,
      value: beside / alone,
      unit: '×',
      bound: 1.5,
      note: `${beside} ms`,
    },
  ]
}
