/** What a model writes: headings, paragraphs, lists, tables and code. */
export function markdownText(length: number): string {
  let text = ''
  for (let i = 0; text.length < length; i++) text += section(i)
  return text.slice(0, length)
}

/** JSON without a line break, as tool arguments come. */
export function argumentsText(length: number): string {
  let text = '{"rows":['
  for (let i = 0; text.length < length; i++) text += `{"id":${i},"name":"row ${i}","text":"some words of number ${i}"},`
  return text.slice(0, length)
}

function section(i: number): string {
  const rows = Array.from({ length: 8 }, (_, row) => `| row ${row} | **${i * row}** | \`v${row}\` | some more words |`)
  return [
    `## Section ${i}`,
    `The tide is a *slow* wave that **runs ahead** of the moon, and \`water\` rises where [the shore](https://a.example/${i}) is flat. `.repeat(
      3,
    ),
    Array.from({ length: 5 }, (_, item) => `- item ${item} with **bold** words and \`code\` in it`).join('\n'),
    `| name | value | code | words |\n|------|------:|:----:|-------|\n${rows.join('\n')}`,
    `\`\`\`ts\n${Array.from({ length: 12 }, (_, line) => `const value${line} = compute(${i}, ${line}) // line ${line}`).join('\n')}\n\`\`\``,
    'And a last paragraph, which is rather short.',
    '',
  ].join('\n\n')
}
