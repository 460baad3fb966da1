/** The thread of `schema-check.ts`: a schema of somebody else, compiled and asked here, holds up nobody. */
import { parentPort } from 'node:worker_threads'
import { AjvJsonSchemaValidator } from '@modelcontextprotocol/sdk/validation/ajv'
import type { Json, JsonObject } from '../../shared/schema.ts'

export interface SchemaQuestion {
  /** Of the schema. */
  id: number
  schema: JsonObject
  value: Json
}

/** Compiled schemas that are kept. */
const maxCompiled = 512
const maxFaultChars = 2_000

const compiled = new Map<number, (value: Json) => string | null>()

/** Says what does not fit; null where all does, or where the schema is beyond us: the server checks, too. */
function compile(schema: JsonObject): (value: Json) => string | null {
  // A validator each: one that is shared keeps every schema for ever, and confuses those of equal `$id`.
  const { $schema: _, $id: __, ...plain } = schema
  try {
    const validate = new AjvJsonSchemaValidator().getValidator(plain)
    return (value) => {
      try {
        const result = validate(value)
        return result.valid ? null : result.errorMessage.slice(0, maxFaultChars)
      } catch {
        return null
      }
    }
  } catch {
    return () => null
  }
}

parentPort?.on('message', ({ id, schema, value }: SchemaQuestion) => {
  const faultOf = compiled.get(id) ?? compile(schema)
  compiled.set(id, faultOf)
  if (compiled.size > maxCompiled) compiled.delete(compiled.keys().next().value!)
  parentPort!.postMessage(faultOf(value))
})
parentPort?.postMessage(null)
