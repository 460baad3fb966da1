/** Tools of one's own, one of which asks first, and those of an MCP server. */
import { fileURLToPath } from 'node:url'
import { z } from 'zod'
// In a project of yours: from '@runnel/core/server'.
import { defineConfig, defineTool, mcpServer } from '../../server/index.ts'

const rollDice = defineTool({
  name: 'roll_dice',
  description: 'Rolls dice and adds up what they show',
  parameters: z.object({ count: z.int().min(1).max(10), sides: z.int().min(2).max(100).default(6) }),
  // What a generator yields shows as it comes.
  async *execute({ count, sides }, context) {
    let sum = 0
    for (let number = 1; number <= count; number++) {
      context.progress(`Die ${number} of ${count}`)
      const shown = 1 + Math.floor(Math.random() * sides)
      sum += shown
      yield `${shown} `
    }
    yield `= ${sum}`
  },
})

const sendLetter = defineTool({
  name: 'send_letter',
  description: 'Sends a letter to somebody',
  parameters: z.object({ to: z.string(), text: z.string().max(2_000) }),
  // Every screen that shows the chat gets the question; the first answer wins.
  approval: true,
  execute: async ({ to, text }, context) => {
    const letter = await context.addFile({ name: `letter to ${to}.txt`, data: text })
    return `Sent, with a copy in the chat: ${letter.name}`
  },
})

const notes = mcpServer(
  { name: 'notes', command: process.execPath, args: [fileURLToPath(new URL('./notes-server.ts', import.meta.url))] },
  // Reading goes through; what changes something waits for a yes.
  { approval: 'destructive' },
)

export default defineConfig({ tools: [rollDice, sendLetter, notes], DATABASE_URL: 'memory:' })
