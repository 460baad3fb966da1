export * from '../../testing/contracts/records.ts'

/** The documents that `append-child.ts` writes. */
export const crashDocs = ['msg_crashed1', 'msg_crashed2'] as const
