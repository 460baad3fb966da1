/** 2,000 random chats, sent to a strict server. */
process.env.RUNNEL_TEST_STRICT_REQUESTS ??= '2000'
await import('../../provider/strict-requests.test.ts')
export {}
