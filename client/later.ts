/** What no page needs before something has come: what goes over HTTP, and hashing. A page loads it beside its first line. */
export { digestOf } from '../shared/digest.ts'
export { HttpApi } from './api.ts'
export { History } from './history.ts'
export { States } from './states.ts'
export { TaskList } from './task-list.ts'
