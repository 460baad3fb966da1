import { expect, it } from 'vitest'
import { closeAll } from '../../server/waiting/close.ts'

it('closes in order, one behind the other, each whatever became of those before', async () => {
  const closed: string[] = []
  const part = (name: string, fault?: Error) => async () => {
    await Promise.resolve()
    closed.push(name)
    if (fault) throw fault
  }
  const [first, second] = [new Error('first'), new Error('second')]
  await closeAll([part('a'), () => void closed.push('b'), part('c')])
  await expect(closeAll([part('d', first), part('e')])).rejects.toBe(first)
  const both = closeAll([part('f', first), part('g'), part('h', second)])
  await expect(both).rejects.toMatchObject({ errors: [first, second] })
  expect(closed.join('')).toBe('abcdefgh')
})
