/** The other side of `broadcast.ts`: so many sockets that read and forget. */
import { connect } from 'node:net'

const [port, count] = process.argv.slice(2).map(Number)
for (let i = 0; i < count!; i++)
  connect(port!, '127.0.0.1')
    .resume()
    .on('error', () => {})
process.on('disconnect', () => process.exit())
