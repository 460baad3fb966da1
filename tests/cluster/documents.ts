/** The messages that the tests of this folder write. */
export const doc = 'msg_answer01'
export const other = 'msg_answer02'
