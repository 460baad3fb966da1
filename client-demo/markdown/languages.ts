/** One line for each: the grammar, its usual name, and its other names. */
const table = `
bash|Bash|sh shell zsh console shellsession
c|C|h
clojure|Clojure|clj
cmake|CMake|
cpp|C++|c++ cc hpp cxx
csharp|C#|cs c#
css|CSS|
dart|Dart|
diff|Diff|patch
dockerfile|Dockerfile|docker
elixir|Elixir|ex exs
erlang|Erlang|erl
fsharp|F#|fs f#
go|Go|golang
graphql|GraphQL|gql
groovy|Groovy|
haskell|Haskell|hs
http|HTTP|
ini|INI|toml
java|Java|
javascript|JavaScript|js jsx mjs cjs node
json|JSON|jsonc json5
julia|Julia|jl
kotlin|Kotlin|kt kts
latex|LaTeX|tex
less|Less|
lisp|Lisp|
lua|Lua|
makefile|Makefile|make mk
markdown|Markdown|md mdx
matlab|MATLAB|
nginx|nginx|nginxconf
nix|Nix|
objectivec|Objective-C|objc mm
ocaml|OCaml|ml
perl|Perl|pl pm
php|PHP|
powershell|PowerShell|ps1 ps pwsh
properties|Properties|
protobuf|Protocol Buffers|proto
python|Python|py python3
r|R|
ruby|Ruby|rb
rust|Rust|rs
scala|Scala|
scss|SCSS|sass
sql|SQL|postgres postgresql pgsql mysql sqlite
swift|Swift|
typescript|TypeScript|ts tsx mts cts
vbnet|Visual Basic|vb
vim|Vim script|viml
wasm|WebAssembly|wat
x86asm|Assembly|asm nasm
xml|XML|html xhtml svg vue svelte rss plist
yaml|YAML|yml`

interface Language {
  module: string
  name: string
}

let known: Map<string, Language> | undefined

function languageOf(language: string): Language | undefined {
  known ??= new Map(
    table
      .trim()
      .split('\n')
      .flatMap((line) => {
        const [module, name, others] = line.split('|') as [string, string, string]
        return [module, ...others.split(' ').filter(Boolean)].map(
          (word) => [word, { module, name: ownNames.get(word) ?? name }] as const,
        )
      }),
  )
  return known.get(language)
}

/** Languages that use another one's grammar, or have none. */
const ownNames = new Map(
  Object.entries({
    console: 'Console',
    html: 'HTML',
    jsx: 'JSX',
    mermaid: 'Mermaid',
    mysql: 'MySQL',
    postgresql: 'PostgreSQL',
    sass: 'Sass',
    sqlite: 'SQLite',
    svelte: 'Svelte',
    svg: 'SVG',
    toml: 'TOML',
    tsx: 'TSX',
    vue: 'Vue',
  }),
)

/** The name as people write it; an unknown language as the answer names it. Empty: no language is named. */
export const nameOf = (language: string): string => languageOf(language)?.name ?? ownNames.get(language) ?? language

/** The name of its grammar in highlight.js. */
export const moduleOf = (language: string): string | undefined => languageOf(language)?.module
