import { builtinModules } from 'node:module'
import { posix } from 'node:path'
import type { Import, Source } from '../../scripts/imports.ts'

/** What lies on one line may not import each other; every line may import those above it. DESIGN, section 3. */
const TIERS = [
  ['shared'],
  ['server/waiting', 'server/secrets'],
  ['server/config', 'server/operation'],
  ['server/provider', 'server/store', 'server/files', 'server/cluster', 'server/auth'],
  ['server/extension'],
  ['server/document'],
  ['server/room'],
  ['server/events', 'server/task'],
  ['server/http', 'server/socket'],
  ['server/app'],
  ['server/index.ts'],
  ['server/main.ts'],
]
const TIER_OF = new Map(TIERS.flatMap((places, tier) => places.map((place) => [place, tier] as const)))

/** What stands outside the server's road, and what it may import beside itself. */
const OUTSIDE: Record<string, string[]> = {
  client: ['shared'],
  // What it has of Runnel is what a program gets that installs the package: `@runnel/client` by its name.
  'client-demo': [],
  testing: ['server', 'client', 'shared'],
}

/** Free of all rules; no product file imports them. */
const WORKSHOP = ['tests', 'bench', 'examples', 'scripts']

/** Used by programs that know nothing of Runnel: it needs Node and nothing else. */
const ALONE = 'testing/openai/'

/** Programs, and what looks at what a test leaves open in its process: all else is free of it. */
const PROGRAMS = ['server/main.ts', 'testing/command.ts', 'testing/world/left-open.ts']

const PORTS = ['server/store/store.ts', 'server/files/files.ts', 'server/cluster/cluster.ts', 'server/auth/auth.ts']
const PORT_FOLDERS = ['server/provider', 'server/store', 'server/files', 'server/cluster', 'server/auth']
/** Types that the port folders may take from each other. */
const PORT_TYPES = [...PORTS, 'server/provider/events.ts']

/** One file names the adapters of the ports: adapters.ts. */
const ADAPTERS = [
  'store/memory/memory',
  'store/sqlite/sqlite',
  'store/postgres/postgres',
  'files/folder',
  'cluster/local',
  'cluster/redis',
  'auth/local',
  'auth/jwt',
].map((name) => `server/${name}.ts`)

/** The document model has no single door in these places; elsewhere it has one like every package. */
const MODEL_PLACES = ['server/document', 'server/room', 'shared', 'client', 'testing']
const OPEN_PLACES: Record<string, string[]> = {
  yjs: MODEL_PLACES,
  lib0: MODEL_PLACES,
  'y-protocols': MODEL_PLACES,
  // A folder is the door: each route file has its router, each body its schema.
  express: ['server/http'],
  // Its validator runs in a thread of its own.
  '@modelcontextprotocol/sdk': ['server/extension'],
  zod: ['server/http', 'server/extension', 'server/config'],
  react: ['client', 'client-demo'],
  '@runnel/client': ['client-demo'],
}

/** Sides that also run in a browser. */
const WITHOUT_NODE = ['shared', 'client', 'client-demo']

const BUILTINS = new Set(builtinModules)

/** Every broken rule, as `file:line: words`; empty where all is well. `dependencies`: names in package.json. */
export function brokenRules(sources: readonly Source[], dependencies: readonly string[]): string[] {
  const files = new Set(sources.map((source) => source.file))
  const product = sources.filter((source) => !WORKSHOP.includes(sideOf(source.file)))
  return [
    ...product.flatMap((source) => source.imports.flatMap((entry) => brokenByImport(entry, files, dependencies))),
    ...product.flatMap(processUses),
    ...secondDoors(product),
    ...circles(product, files),
  ]
}

function brokenByImport(entry: Import, files: ReadonlySet<string>, dependencies: readonly string[]): string[] {
  const { file, specifier } = entry
  const say = (words: string) => [`${file}:${entry.line}: ${words}`]
  if (specifier === null) {
    return placeOf(file) === 'server/app'
      ? []
      : say('imports a computed name: only server/app/ may (a configuration module)')
  }
  if (isBuiltin(specifier)) {
    if (WITHOUT_NODE.includes(sideOf(file))) return say(`imports ${specifier}: ${sideOf(file)}/ runs in browsers, too`)
    if (/^(node:)?process$/.test(specifier) && !PROGRAMS.includes(file))
      return say(`imports ${specifier}: only ${PROGRAMS.join(', ')} use the process`)
    return []
  }
  const target = specifier.startsWith('.') ? posix.join(posix.dirname(file), specifier) : specifier
  if (file.startsWith(ALONE) && !target.startsWith(ALONE)) return say(`imports ${target}: ${ALONE} stands alone`)
  if (!specifier.startsWith('.')) {
    const name = packageOf(specifier)
    if (entry.value && sideOf(file) !== 'client-demo' && !dependencies.includes(name))
      return say(`imports ${name}, which is not in the dependencies of package.json`)
    return []
  }

  if (!files.has(target)) return /\.(css|svg|json)$/.test(target) ? [] : say(`imports ${target}, which is not there`)
  return brokenByPlace(entry, target).flatMap(say)
}

function brokenByPlace({ file, value }: Import, target: string): string[] {
  const [from, to] = [placeOf(file), placeOf(target)]
  const arrow = `${file} → ${target}`
  if (WORKSHOP.includes(sideOf(target))) return [`nothing imports ${sideOf(target)}/ (${arrow})`]
  if (from === to) return []
  if (from === null) return [`${file} has no layer: give it one in tests/helpers/import-rules.ts`]
  if (to === null) return [`${target} has no layer: give it one in tests/helpers/import-rules.ts`]

  // In a package of its own it has the server from there.
  if (from === 'testing' && sideOf(target) === 'server' && target !== 'server/index.ts')
    return [`testing/ imports server/index.ts only (${arrow})`]
  const outside = OUTSIDE[from]
  if (outside !== undefined)
    return outside.includes(sideOf(target)) ? [] : [`${from}/ may import ${outside.join(', ')} only (${arrow})`]

  const [tier, targetTier] = [TIER_OF.get(from), TIER_OF.get(to)]
  if (targetTier === undefined || tier === undefined) return [`imports run downwards only (${arrow})`]
  if (value && PORTS.includes(target)) return [`a port is imported as a type (${arrow})`]
  if (ADAPTERS.includes(target) && file !== 'server/app/adapters.ts')
    return [`only server/app/adapters.ts names an adapter (${arrow})`]
  if (PORT_FOLDERS.includes(from) && PORT_FOLDERS.includes(to)) {
    return !value && PORT_TYPES.includes(target) ? [] : [`${from} and ${to} share the types of ports only (${arrow})`]
  }
  return targetTier < tier ? [] : [`imports run downwards only (${arrow})`]
}

function processUses({ file, processLines }: Source): string[] {
  return PROGRAMS.includes(file)
    ? []
    : processLines.map((line) => `${file}:${line}: uses the global process: only ${PROGRAMS.join(', ')} do`)
}

/** A package is imported by one file of each side; types may be taken beside it, in the same folder. */
function secondDoors(product: readonly Source[]): string[] {
  const doors = new Map<string, Import>()
  const broken: string[] = []
  const packages = product
    .flatMap((source) => source.imports)
    .filter(({ specifier }) => specifier !== null && !specifier.startsWith('.') && !isBuiltin(specifier))
    .filter(({ file, specifier }) => OPEN_PLACES[packageOf(specifier!)]?.includes(placeOf(file) ?? '') !== true)
  for (const entry of packages.toSorted((a, b) => Number(b.value) - Number(a.value))) {
    const name = packageOf(entry.specifier!)
    const key = `${sideOf(entry.file)} ${name}`
    const door = doors.get(key)
    if (door === undefined) doors.set(key, entry)
    else if (door.file !== entry.file && (entry.value || posix.dirname(door.file) !== posix.dirname(entry.file))) {
      broken.push(
        `${entry.file}:${entry.line}: imports ${name}, whose one door in ${sideOf(entry.file)}/ is ${door.file}`,
      )
    }
  }
  return broken
}

/** Each circle of imports once, of types as well, told from the import that closes it. */
function circles(product: readonly Source[], files: ReadonlySet<string>): string[] {
  const importsOf = new Map(
    product.map((source) => [source.file, source.imports.filter((entry) => entry.specifier?.startsWith('.'))]),
  )
  const done = new Set<string>()
  const found: string[] = []
  const walk = (file: string, path: string[]) => {
    for (const entry of importsOf.get(file) ?? []) {
      const target = posix.join(posix.dirname(file), entry.specifier!)
      const start = path.indexOf(target)
      if (start >= 0)
        found.push(`${file}:${entry.line}: closes a circle: ${[...path.slice(start), target].join(' → ')}`)
      else if (files.has(target) && !done.has(target)) walk(target, [...path, target])
    }
    done.add(file)
  }
  for (const { file } of product) if (!done.has(file)) walk(file, [file])
  return found
}

const sideOf = (file: string) => file.split('/')[0]!

/** The folder or file that a tier names; null for one that none names. */
function placeOf(file: string): string | null {
  const [side, second] = file.split('/')
  if (side !== 'server') return side!
  const place = `server/${second}`
  return TIER_OF.has(place) ? place : null
}

const isBuiltin = (specifier: string) => specifier.startsWith('node:') || BUILTINS.has(specifier)

/** `lib0/hash/sha256` → `lib0`, `@scope/name/x` → `@scope/name`. */
function packageOf(specifier: string): string {
  const parts = specifier.split('/')
  return specifier.startsWith('@') ? parts.slice(0, 2).join('/') : parts[0]!
}
