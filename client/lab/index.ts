/** Faults on purpose, and a look at what the connection carries: for demonstrations and tests. Nothing else loads it. */
export { Lab, type LabLine, type Seen } from './lab.ts'
