/** `odd-mcp.ts` as a program: what it is to do stands in ODD. */
import { createInterface } from 'node:readline'
import { oddAnswer, type Message, type Odd } from './odd-mcp.ts'

const odd = JSON.parse(process.env['ODD'] ?? '{}') as Odd
let lists = 0
for await (const line of createInterface({ input: process.stdin })) {
  const message = JSON.parse(line) as Message
  const answer = oddAnswer(odd, message, message.method === 'tools/list' ? lists++ : 0)
  if (answer !== null) process.stdout.write(`${odd.noise ?? ''}${JSON.stringify(answer)}\n`)
}
