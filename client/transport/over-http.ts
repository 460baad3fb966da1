/** Lines over HTTP, and the way from one line to another, which only those need: a part that is loaded where no WebSocket passes. */
export { ChangeOver } from './change-over.ts'
export { HttpLine } from './http.ts'
