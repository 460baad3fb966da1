/** What waits, while three people stop, edit, make anew, delete, change, move and remove: each is sent once, behind what it waited for. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { Collector, startRunnel, type StartedRunnel } from '../../testing/index.ts'
import { secret, tokenOf } from './people.ts'
import { HeldModel, SharedChat } from './waiting-world.ts'

const model = new HeldModel()
let server: StartedRunnel
let viewer: Collector
beforeAll(async () => {
  server = await startRunnel({ RUNNEL_AUTH_SECRET: secret, provider: model.provider, RUNNEL_MAX_TASKS_PER_USER: 100 })
  viewer = new Collector(server.url, { token: await tokenOf('ada') })
})
afterAll(async () => {
  await viewer.close()
  await server.close()
})

/** What is done in order, then what the chat looks like. `<`: the answer that a question follows. */
const orders: [steps: string, outcome: string][] = [
  // One behind the other, however the one before ends.
  ['ada asks 1, bob queues 2, 1 ends, 2 ends', '1:completed 2<1:completed'],
  ['ada asks 1, bob queues 2, cyd queues 3, 1 ends, 2 ends, 3 ends', '1:completed 2<1:completed 3<2:completed'],
  ['ada asks 1, bob queues 2, 1 fails, 2 ends', '1:failed 2<1:completed'],
  ['ada asks 1, bob queues 2, ada stops 1, 2 ends', '1:stopped 2<1:completed'],
  ['ada asks 1, bob queues 2, cyd stops 1, cyd stops 2', '1:stopped 2<1:stopped'],
  ['ada asks 1, bob queues 2, cyd queues 3, ada stops 1, bob stops 2, 3 fails', '1:stopped 2<1:stopped 3<2:failed'],
  ['ada queues 1, bob queues 2, 1 ends', '1:completed 2<1:streaming'],
  ['ada asks 1, bob asks 2: 409, bob queues 2, cyd asks 3: 409', '1:streaming | 2'],
  [
    'ada asks 1, ada queues 2, ada queues 3, 1 ends, ada queues 4, 2 ends',
    '1:completed 2<1:completed 3<2:streaming | 4',
  ],
  // Sent at once.
  ['ada asks 1, bob interrupts 2', '1:stopped 2<1:streaming'],
  ['ada asks 1, bob queues 2, cyd interrupts 3', '1:stopped 3<1:streaming | 2'],
  ['ada asks 1, bob queues 2, cyd interrupts 3, 3 ends', '1:stopped 3<1:completed 2<3:streaming'],
  [
    'ada asks 1, bob interrupts 2, cyd interrupts 3, ada interrupts 4',
    '1:stopped 2<1:stopped 3<2:stopped 4<3:streaming',
  ],
  ['ada asks 1, bob queues 2, cyd queues 3, ada sends 3', '1:stopped 3<1:streaming | 2'],
  ['ada asks 1, bob queues 2, bob sends 2, bob sends 2: 404', '1:stopped 2<1:streaming'],
  ['ada interrupts 1, bob interrupts 2, 2 ends', '1:stopped 2<1:completed'],
  // Changed, moved, removed.
  ['ada asks 1, bob queues 2, cyd changes 2 to 2b, 1 ends', '1:completed 2b<1:streaming'],
  ['ada asks 1, bob queues 2, cyd queues 3, ada moves 3 before 2, 1 ends', '1:completed 3<1:streaming | 2'],
  [
    'ada asks 1, bob queues 2, cyd queues 3, ada queues 4, bob moves 2 after 3, 1 ends',
    '1:completed 3<1:streaming | 2 4',
  ],
  ['ada asks 1, bob queues 2, cyd removes 2, 1 ends', '1:completed'],
  ['ada asks 1, bob queues 2, cyd queues 3, bob removes 2, 1 ends', '1:completed 3<1:streaming'],
  ['ada asks 1, bob queues 2, 1 ends, cyd removes 2: 404, bob changes 2 to 2b: 404', '1:completed 2<1:streaming'],
  ['ada asks 1, bob queues 2, bob removes 2, cyd queues 3, 1 ends', '1:completed 3<1:streaming'],
  ['ada asks 1, bob queues 2, cyd changes 2 to 2b, bob changes 2b to 2c, ada sends 2c', '1:stopped 2c<1:streaming'],
  // Beside it branches grow: what waits follows the answer that it waited for.
  ['ada asks 1, bob queues 2, cyd regenerates 1, 1 ends', '1:completed,streaming 2<1:streaming'],
  ['ada asks 1, bob queues 2, ada stops 1, cyd regenerates 1, 2 ends, 1 ends', '1:stopped,completed 2<1:completed'],
  ['ada asks 1, bob queues 2, cyd edits 1 as 1b, 1b ends', '1:streaming 1b:completed | 2'],
  ['ada asks 1, bob queues 2, cyd edits 1 as 1b, 1 ends', '1:completed 1b:streaming 2<1:streaming'],
  ['ada asks 1, bob queues 2, cyd edits 1 as 1b, bob sends 2', '1:stopped 1b:streaming 2<1:streaming'],
  [
    'ada asks 1, 1 ends, ada asks 2, cyd edits 1 as 1b, bob queues 3, 2 ends',
    '1:completed 2<1:completed 1b:streaming | 3',
  ],
  [
    'ada asks 1, 1 ends, ada asks 2, cyd edits 1 as 1b, bob queues 3, 1b ends',
    '1:completed 2<1:streaming 1b:completed 3<1b:streaming',
  ],
  ['ada asks 1, 1 ends, bob regenerates 1, cyd queues 2, ada stops 1, 2 ends', "1:completed,stopped 2<1':completed"],
  ['ada asks 1, bob queues 2, 1 ends, cyd edits 2 as 2b, 2 ends', '1:completed 2<1:completed 2b<1:streaming'],
  ['ada asks 1, ada stops 1, bob continues 1, cyd queues 2, 1 ends', '1:completed 2<1:streaming'],
  // What it waits for is deleted: it answers what was before that.
  ['ada asks 1, bob queues 2, cyd deletes a1', '1: 2<q1:streaming'],
  ['ada asks 1, bob queues 2, ada deletes 1', '2:streaming'],
  ['ada asks 1, bob queues 2, cyd queues 3, ada deletes 1, 2 ends', '2:completed 3<2:streaming'],
  ['ada asks 1, 1 ends, ada asks 2, bob queues 3, cyd deletes 2', '1:completed 3<1:streaming'],
  ['ada asks 1, 1 ends, ada asks 2, bob queues 3, cyd deletes 1', '3:streaming'],
  ['ada asks 1, bob queues 2, 1 ends, cyd queues 3, ada deletes 2', '1:completed 3<1:streaming'],
  ['ada asks 1, bob queues 2, cyd edits 1 as 1b, ada deletes 1', '1b:streaming 2:streaming'],
  ['ada asks 1, bob queues 2, cyd regenerates 1, ada deletes 1', '2:streaming'],
  ['ada asks 1, bob queues 2, 1 ends, cyd queues 3, ada deletes a2, 3 ends', '1:completed 2<1: 3<q2:completed'],
  // All of it.
  [
    'ada asks 1, bob queues 2, cyd queues 3, ada queues 4, ada moves 4 before 2, cyd removes 3, bob interrupts 5, 5 fails, 4 ends, ada deletes a2',
    '1:stopped 5<1:failed 4<5:completed 2<4:',
  ],
]

test('are forty and more', () => expect(orders.length).toBeGreaterThanOrEqual(40))

test.each(orders)('%s', async (steps, outcome) => {
  const before = model.asked.length
  const chat = await SharedChat.open(server, viewer, model)
  try {
    for (const step of steps.split(', ')) await chat.step(step)
    expect(await chat.summary()).toBe(outcome)
    // Nobody is asked twice: as many requests as runs have begun.
    const anew = steps.split(', ').filter((step) => /regenerates|continues/.test(step)).length
    const asked = model.asked.slice(before)
    expect(asked.length).toBe(new Set(asked).size + anew)
  } finally {
    await chat.people['ada']!.call('DELETE', chat.path)
    await expect.poll(() => model.size, { interval: 5, timeout: 10_000 }).toBe(0)
  }
})
