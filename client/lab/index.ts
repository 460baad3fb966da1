/** Faults on purpose, and a look at what goes over the line: for demonstrations and tests, loaded by nobody else. */
export { Lab, type LabLine, type Seen } from './lab.ts'
