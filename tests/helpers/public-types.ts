import { readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { parseSync } from 'vite'

interface Node {
  type: string
  [key: string]: any
}

/** Where a name comes from: a declaration of this file, or a name of another one. */
interface Origin {
  file: string
  name: string
}

interface Module {
  declarations: Map<string, Node[]>
  imports: Map<string, Origin>
  exports: Map<string, Origin & { isType: boolean }>
  /** Files whose exports are its own. */
  all: { file: string; isType: boolean }[]
}

/**
 * The classes that the types of `entries` (`.d.ts`) name and that none of them exports to be made or extended: they have private
 * members, so that no other copy of the package has an equal type, and nobody can write one. As `file: name`.
 */
export function innerClasses(entries: readonly string[]): string[] {
  const modules = new Map<string, Module>()
  const load = (file: string) => {
    const known = modules.get(file)
    if (known !== undefined) return known
    const module = readModule(file)
    modules.set(file, module)
    return module
  }
  const exported = (file: string): [Origin, boolean][] => [
    ...[...load(file).exports.values()].map((origin): [Origin, boolean] => [origin, !origin.isType]),
    ...load(file).all.flatMap(({ file, isType }) =>
      exported(file).map(([origin, value]): [Origin, boolean] => [origin, value && !isType]),
    ),
  ]
  /** The file and name of the declaration itself; null where a package declares it. */
  const declaredAt = ({ file, name }: Origin): Origin | null => {
    const module = load(file)
    if (module.declarations.has(name)) return { file, name }
    const further = module.exports.get(name) ?? module.imports.get(name)
    if (further !== undefined && (further.file !== file || further.name !== name)) return declaredAt(further)
    for (const { file } of module.all) {
      const found = declaredAt({ file, name })
      if (found !== null) return found
    }
    return null
  }

  const key = ({ file, name }: Origin) => `${file}: ${name}`
  const open = new Set<string>()
  const reached = new Map<string, Node[]>()
  const named = new Set<string>()
  const picked = new Set<unknown>()
  const walk = (origin: Origin) => {
    const at = declaredAt(origin)
    if (at === null || reached.has(key(at))) return
    const module = load(at.file)
    const nodes = module.declarations.get(at.name)!
    reached.set(key(at), nodes)
    visit(nodes, (node) => {
      for (const part of pickedFrom(node)) picked.add(part)
      if (node.type === 'TSImportType' && String(node['source']?.value).startsWith('.'))
        return walk({ file: fileOf(at.file, node['source'].value), name: node['qualifier']?.name ?? 'default' })
      if (node.type !== 'Identifier') return
      const { name } = node as unknown as { name: string }
      const origin = module.declarations.has(name) ? { file: at.file, name } : module.imports.get(name)
      if (origin === undefined) return
      walk(origin)
      const target = declaredAt(origin)
      if (target !== null && key(target) !== key(at) && !picked.has(node)) named.add(key(target))
    })
  }
  for (const entry of entries)
    for (const [origin, value] of exported(entry)) {
      const at = declaredAt(origin)
      if (at !== null && value) open.add(key(at))
      if (at !== null) named.add(key(at))
      walk(origin)
    }
  return [...reached]
    .filter(
      ([place, nodes]) => named.has(place) && !open.has(place) && nodes.some(({ type }) => type === 'ClassDeclaration'),
    )
    .map(([place]) => place)
    .sort()
}

function readModule(file: string): Module {
  const { program } = parseSync(file, readFileSync(file, 'utf8'))
  const module: Module = { declarations: new Map(), imports: new Map(), exports: new Map(), all: [] }
  const declare = (node: Node | null, isExported: boolean) => {
    if (node === null) return
    const names: string[] =
      node.type === 'VariableDeclaration'
        ? node['declarations'].map((one: Node) => one['id'].name)
        : node['id']?.name === undefined
          ? []
          : [node['id'].name]
    for (const name of names) {
      module.declarations.set(name, [...(module.declarations.get(name) ?? []), node])
      if (isExported) module.exports.set(name, { file, name, isType: false })
    }
  }
  for (const node of program.body as unknown as Node[]) {
    const source: string | undefined = node['source']?.value
    const isOwn = source?.startsWith('.') === true
    if (node.type === 'ImportDeclaration') {
      for (const { local, imported } of node['specifiers'])
        if (isOwn) module.imports.set(local.name, { file: fileOf(file, source!), name: imported?.name ?? '*' })
    } else if (node.type === 'ExportAllDeclaration') {
      if (isOwn) module.all.push({ file: fileOf(file, source!), isType: node['exportKind'] === 'type' })
    } else if (node.type === 'ExportNamedDeclaration') {
      declare(node['declaration'], true)
      for (const { local, exported, exportKind } of node['specifiers']) {
        if (source !== undefined && !isOwn) continue
        const isType = exportKind === 'type' || node['exportKind'] === 'type'
        module.exports.set(exported.name, { file: isOwn ? fileOf(file, source!) : file, name: local.name, isType })
      }
    } else declare(node, false)
  }
  return module
}

/** The class in `Pick<Class, keyof Class>`: what is picked off a class is none, and equals that of another copy. */
function pickedFrom(node: Node): unknown[] {
  if (node.type !== 'TSTypeReference' || node['typeName'].name !== 'Pick') return []
  const [from, keys] = node['typeArguments'].params
  return [from.typeName, ...(keys.operator === 'keyof' ? [keys.typeAnnotation.typeName] : [])]
}

function fileOf(from: string, specifier: string): string {
  return join(dirname(from), specifier.replace(/(\.d)?\.[jt]s$/, '.d.ts'))
}

function visit(value: unknown, enter: (node: Node) => void): void {
  if (Array.isArray(value)) for (const item of value) visit(item, enter)
  else if (typeof value === 'object' && value !== null) {
    if (typeof (value as Node).type === 'string') enter(value as Node)
    for (const child of Object.values(value)) visit(child, enter)
  }
}
