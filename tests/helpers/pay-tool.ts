import { z } from 'zod'
import { defineTool } from '../../server/extension/tool.ts'

/** A tool that a person is asked about. */
export const pay = defineTool({
  name: 'pay',
  description: 'Pays.',
  parameters: z.object({}),
  approval: true,
  execute: () => 'paid',
})
