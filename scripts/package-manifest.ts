import { builtinModules } from 'node:module'
import type { PackageFile } from './package-files.ts'
import type { Package } from './packages.ts'

type Ranges = Record<string, string>

/** A module and its types. */
export interface Entry {
  types: string
  default: string
}

/** The package.json of the project. */
export interface TopManifest {
  name: string
  version: string
  description: string
  license: string
  bin: Ranges
  type: string
  sideEffects: boolean
  exports: Record<string, string | Entry | { import: Entry; require: Entry }>
  dependencies: Ranges
  /** What users bring themselves, where they use a part that needs it. */
  peerDependencies: Ranges
  engines: Ranges
}

/** `needed`: the files of its main entry. What is needed by others only, users of those bring themselves. */
export function manifestOf(
  top: TopManifest,
  one: Package,
  exports: TopManifest['exports'],
  files: readonly PackageFile[],
  needed: readonly PackageFile[],
): object {
  const dependencies: Ranges = {}
  const peerDependencies: Ranges = {}
  const always = new Set(needed.flatMap((file) => namesIn(file)))
  for (const name of new Set(files.flatMap((file) => namesIn(file)).sort())) {
    const range = name === top.name ? `^${top.version}` : (top.peerDependencies[name] ?? top.dependencies[name])
    if (range === undefined) throw new Error(`${one.name} imports ${name}, which is not in package.json.`)
    const isOwn = name in top.dependencies && always.has(name)
    ;(isOwn ? dependencies : peerDependencies)[name] = range
  }
  const usesNode = files.some((file) => file.imports.some(isBuiltin))
  return {
    name: one.name,
    version: top.version,
    description: one.description,
    license: top.license,
    type: top.type,
    ...(one.bin && { bin: one.bin }),
    sideEffects: top.sideEffects,
    exports,
    dependencies,
    ...(Object.keys(peerDependencies).length > 0 && {
      peerDependencies,
      peerDependenciesMeta: Object.fromEntries(Object.keys(peerDependencies).map((name) => [name, { optional: true }])),
    }),
    ...(usesNode && { engines: { ...top.engines, ...(one.node !== undefined && { node: one.node }) } }),
    publishConfig: { access: 'public' },
  }
}

/** The packages that a file needs. Types of Node's own modules are a package, too. */
function namesIn({ path, imports }: PackageFile): string[] {
  return imports.flatMap((specifier) => {
    if (isBuiltin(specifier)) return path.endsWith('.d.ts') ? ['@types/node'] : []
    return specifier
      .split('/')
      .slice(0, specifier.startsWith('@') ? 2 : 1)
      .join('/')
  })
}

function isBuiltin(specifier: string): boolean {
  return specifier.startsWith('node:') || builtinModules.includes(specifier)
}
