import type { ConfigInput } from '../../server/config/config.ts'

export interface Asker {
  kills: number
  /** Of the servers that are killed. */
  settings: ConfigInput
  token: string | undefined
}

/** Nobody signs in. `crash-signed-in.test.ts` puts another in its place. */
export const asker: Asker = { kills: Number(process.env.RUNNEL_TEST_KILLS ?? 6), settings: {}, token: undefined }
