// Loaded into the server by `npm start`: if the starter is killed (SIGKILL passes nothing on), the server ends
// in order instead of staying behind on its port.
import { Socket } from 'node:net'

const fd = process.env.RUNNEL_LIFELINE_FD
if (fd !== undefined) {
  // Not for the server's own children: there the number means another file.
  delete process.env.RUNNEL_LIFELINE_FD
  const lifeline = new Socket({ fd: Number(fd) })
  lifeline.once('close', () => process.kill(process.pid, 'SIGTERM'))
  lifeline.on('error', () => {})
  lifeline.resume()
  lifeline.unref()
}
