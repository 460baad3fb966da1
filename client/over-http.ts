/** What goes over HTTP is a part of its own, which a page loads beside its first line. */
export { HttpApi } from './api.ts'
export { History } from './history.ts'
export { States } from './states.ts'
export { TaskList } from './task-list.ts'
