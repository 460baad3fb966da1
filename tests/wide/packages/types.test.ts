/** The types of the packages, under each TypeScript that people have. */
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { packAll, projectWith } from '../../helpers/packed.ts'
import { checkTypes } from '../../helpers/typed-project.ts'

const VERSIONS = ['5.7', '5.8', '5.9', '6', '7']

let packed: Awaited<ReturnType<typeof packAll>>
let project: Awaited<ReturnType<typeof projectWith>>
let compilers: Awaited<ReturnType<typeof projectWith>>

beforeAll(async () => {
  packed = await packAll()
  project = await projectWith(Object.values(packed.tarballs))
  compilers = await projectWith(VERSIONS.map((version) => `typescript-${version}@npm:typescript@${version}`))
}, 300_000)
afterAll(() => Promise.all([packed?.remove(), project?.remove(), compilers?.remove()]))

test.each(
  VERSIONS.flatMap((version) =>
    (['bundler', 'node16', 'nodenext'] as const).map((resolution) => ({ version, resolution })),
  ),
)('hold in TypeScript $version with $resolution', async ({ version, resolution }) => {
  const compiler = join(compilers.folder, `node_modules/typescript-${version}`)
  expect(await checkTypes(project.folder, compiler, resolution)).toBe('')
})
