import { parseSync } from 'vite'

/** One import of one file. `value`: it exists at run time; what is only a type is erased. */
export interface Import {
  file: string
  line: number
  /** Null where it is computed at run time. */
  specifier: string | null
  value: boolean
}

export interface Source {
  file: string
  imports: Import[]
  /** Lines that use the global `process`, for more than its id: that says who holds a lock, and changes nothing. */
  processLines: number[]
}

interface Node {
  type: string
  start: number
  [key: string]: unknown
}

/** Every static, dynamic, re-exporting and type import, read by the bundler's own parser. */
export function readSource(file: string, text: string): Source {
  const { program, errors } = parseSync(file, text)
  if (errors[0] !== undefined) throw new SyntaxError(`${file}: ${errors[0].message}`)

  const source: Source = { file, imports: [], processLines: [] }
  const lineAt = (offset: number) => text.slice(0, offset).split('\n').length
  const add = (node: Node, specifier: unknown, value: boolean) =>
    source.imports.push({ file, line: lineAt(node.start), specifier: literal(specifier), value })

  visit(program, (node) => {
    switch (node.type) {
      case 'ImportDeclaration':
        // `import { type A } from` stays as a side effect under verbatimModuleSyntax: only `import type` is erased.
        return add(node, node['source'], node['importKind'] !== 'type')
      case 'ExportNamedDeclaration':
      case 'ExportAllDeclaration':
        return node['source'] ? add(node, node['source'], node['exportKind'] !== 'type') : undefined
      case 'ImportExpression':
        return add(node, node['source'], true)
      case 'TSImportType':
        return add(node, node['source'] ?? node['argument'], false)
      case 'TSExternalModuleReference':
        return add(node, node['expression'], true)
      case 'VariableDeclarator':
        if (isIdentifier(node['init'], 'process')) source.processLines.push(lineAt(node.start))
        return
      case 'MemberExpression':
        if (isIdentifier(node['object'], 'process') && isIdentifier(node['property'], 'pid')) return
        if (
          isIdentifier(node['object'], 'process') ||
          (isIdentifier(node['object'], 'globalThis') && isIdentifier(node['property'], 'process'))
        ) {
          source.processLines.push(lineAt(node.start))
        }
    }
  })
  return source
}

function visit(value: unknown, enter: (node: Node) => void): void {
  if (Array.isArray(value)) for (const item of value) visit(item, enter)
  else if (isNode(value)) {
    enter(value)
    for (const child of Object.values(value)) visit(child, enter)
  } else if (typeof value === 'object' && value !== null) for (const child of Object.values(value)) visit(child, enter)
}

function isNode(value: unknown): value is Node {
  return (
    typeof value === 'object' &&
    value !== null &&
    typeof (value as Node).type === 'string' &&
    typeof (value as Node).start === 'number'
  )
}

function isIdentifier(value: unknown, name: string): boolean {
  return isNode(value) && value.type === 'Identifier' && value['name'] === name
}

/** The text of `'x'`, also in the wrapper that type positions have; null for anything computed. */
function literal(value: unknown): string | null {
  if (!isNode(value)) return null
  if (value.type === 'Literal' && typeof value['value'] === 'string') return value['value']
  return value.type === 'TSLiteralType' ? literal(value['literal']) : null
}
