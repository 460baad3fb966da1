/** What went wrong and what to do, by the code of the error. A code that is not here is told in the server's sentence. */
export const errors: { byCode: Readonly<Record<string, string>> } = {
  byCode: {
    internal: 'The server could not be reached. Check your connection and try again.',
  },
}
