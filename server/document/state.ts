import * as encoding from 'lib0/encoding'
import * as Y from 'yjs'
import { writeDeleteSet } from './encoder.ts'

/** So many structs a step: one costs a microsecond or two, and what its text does. */
const structsAStep = 100

/**
 * The Yjs update v1 of what a reader with this state vector lacks, as
 * `encodeStateAsUpdate` writes it, in small steps. The document must not change
 * meanwhile.
 */
export function* encodeStateSteps(doc: Y.Doc, stateVector?: Uint8Array): Generator<void, Uint8Array> {
  const { store } = doc
  // What waits for something that is missing goes along; it is rare, and Yjs alone knows its form.
  if (store.pendingStructs || store.pendingDs) return Y.encodeStateAsUpdate(doc, stateVector)
  const known = stateVector ? Y.decodeStateVector(stateVector) : new Map<number, number>()
  const lacking = [...store.clients.keys()].filter((client) => Y.getState(store, client) > (known.get(client) ?? 0))
  const encoder = new Y.UpdateEncoderV1()
  const rest = encoder.restEncoder
  encoding.writeVarUint(rest, lacking.length)
  for (const client of lacking.sort((a, b) => b - a)) {
    const structs = store.clients.get(client)!
    const clock = known.get(client) ?? 0
    const first = Y.findIndexSS(structs, clock)
    encoding.writeVarUint(rest, structs.length - first)
    encoder.writeClient(client)
    encoding.writeVarUint(rest, clock)
    for (let i = first; i < structs.length; i++) {
      const struct = structs[i]!
      struct.write(encoder, i === first ? clock - struct.id.clock : 0)
      if (i % structsAStep === 0) yield
    }
  }
  yield
  writeDeleteSet(encoder, Y.createDeleteSetFromStructStore(store))
  yield
  return encoder.toUint8Array()
}
