import * as decoding from 'lib0/decoding'
import * as encoding from 'lib0/encoding'
import { readStruct, type StructPlace } from './structs.ts'

/** A piece has so many structs: Yjs takes some ten microseconds for each. */
const structsAPiece = 500

/** The structs of one client, in an update. */
interface Section {
  readonly client: number
  readonly firstByte: number
  readonly firstClock: number
  readonly structs: readonly StructPlace[]
  /** So many are in pieces that have been handed out; and with that which is being collected. */
  given: number
  taken: number
}

/**
 * An update v1 as several that say the same together, each with few structs
 * and none building on a later one, so that applying a large one does not hold
 * up the process. A text stays whole: Yjs takes it in one piece, and quickly.
 * In between steps that hand out nothing.
 */
export function* splitUpdate(update: Uint8Array): Generator<Uint8Array | undefined, void> {
  const decoder = decoding.createDecoder(update)
  const sections = yield* readSections(decoder)
  yield
  const deleteSet = update.subarray(decoder.pos)
  const byClient = new Map(sections.map((section) => [section.client, section]))
  let count = 0
  for (const first of sections) {
    // What a struct builds on goes before it, and may build on something itself. A stack instead of recursion.
    const stack = [{ section: first, until: Infinity }]
    for (let top = stack.at(-1); top; top = stack.at(-1)) {
      const { section } = top
      const struct = section.structs[section.taken]
      if (!struct || clockOf(section) > top.until) {
        stack.pop()
        continue
      }
      const missing = struct.needs.find(({ client, clock }) => lacks(byClient.get(client), clock, section))
      if (missing) {
        stack.push({ section: byClient.get(missing.client)!, until: missing.clock })
        continue
      }
      section.taken += 1
      if (++count < structsAPiece) continue
      yield takePiece(update, sections)
      count = 0
    }
  }
  yield takePiece(update, sections, deleteSet)
}

function* readSections(decoder: decoding.Decoder): Generator<undefined, Section[]> {
  const sections: Section[] = []
  for (let n = decoding.readVarUint(decoder); n > 0; n--) {
    const count = decoding.readVarUint(decoder)
    const client = decoding.readVarUint(decoder)
    const firstClock = decoding.readVarUint(decoder)
    const firstByte = decoder.pos
    const structs: StructPlace[] = []
    for (let clock = firstClock; structs.length < count; clock = structs.at(-1)!.endClock) {
      structs.push(readStruct(decoder, clock))
      if (structs.length % structsAPiece === 0) yield
    }
    sections.push({ client, firstByte, firstClock, structs, given: 0, taken: 0 })
  }
  return sections
}

function clockOf({ structs, taken, firstClock }: Section): number {
  return structs[taken - 1]?.endClock ?? firstClock
}

/** Is something of this update needed that is not taken yet? What is not in it at all, the document has, or it waits. */
function lacks(on: Section | undefined, clock: number, by: Section): boolean {
  return on !== undefined && on !== by && on.taken < on.structs.length && clockOf(on) <= clock
}

/** What has been taken since the last piece, as an update. */
function takePiece(update: Uint8Array, sections: readonly Section[], deleteSet?: Uint8Array): Uint8Array {
  const encoder = encoding.createEncoder()
  const parts = sections.filter(({ given, taken }) => taken > given)
  encoding.writeVarUint(encoder, parts.length)
  for (const section of parts) {
    const { client, structs, given, taken, firstByte, firstClock } = section
    encoding.writeVarUint(encoder, taken - given)
    encoding.writeVarUint(encoder, client)
    encoding.writeVarUint(encoder, structs[given - 1]?.endClock ?? firstClock)
    encoding.writeUint8Array(
      encoder,
      update.subarray(structs[given - 1]?.endByte ?? firstByte, structs[taken - 1]!.endByte),
    )
    section.given = taken
  }
  if (deleteSet) encoding.writeUint8Array(encoder, deleteSet)
  else encoding.writeVarUint(encoder, 0)
  return encoding.toUint8Array(encoder)
}
