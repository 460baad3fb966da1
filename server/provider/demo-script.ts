/** What the demo provider says. */

export type DemoPart =
  | { type: 'reasoning'; text: string }
  | { type: 'text'; text: string }
  | { type: 'tool_call'; name: string; text: string }

export interface DemoScript {
  parts: DemoPart[]
  /** The answer ends with this error, in the middle of its last part. */
  failure?: string
}

/** An answer to these words; `result` is what a tool gave, if the prompt ends with it, `call` one of a tool that is there. */
export function demoScript(
  words: string,
  result: string | null,
  call: { name: string; args: string } | null,
): DemoScript {
  if (result !== null) return { parts: [{ type: 'text', text: `The tool says: ${result}\n\nThat settles it. ✅` }] }
  if (words.includes('error')) {
    return {
      parts: [
        {
          type: 'text',
          text: 'This answer begins well enough, it even gets to its second clause, and then the provider ',
        },
      ],
      failure: 'The demo provider failed, as it was asked to. What came before is kept.',
    }
  }
  return {
    parts: words.includes('tool')
      ? call
        ? realCall(call)
        : toolParts
      : [
          { type: 'reasoning', text: thoughts },
          { type: 'text', text: words.includes('long') ? longAnswer() : shortAnswer },
        ],
  }
}

const toolParts: DemoPart[] = [
  { type: 'reasoning', text: 'The weather is not something I know. There is a tool for it.' },
  { type: 'text', text: 'Let me look up the weather in Lisbon. ' },
  { type: 'tool_call', name: 'get_weather', text: '{"city":"Lisbon","unit":"celsius"}' },
]

function realCall({ name, args }: { name: string; args: string }): DemoPart[] {
  return [
    { type: 'reasoning', text: `There is a tool for it: ${name}.` },
    { type: 'text', text: `Let me use ${name}. ` },
    { type: 'tool_call', name, text: args },
  ]
}

const thoughts = `Somebody wants to see how an answer arrives. A short explanation will do, with a list, a table and some code, \
so that every part of the page has something to show. An emoji or two, because they are made of two code units 👩‍🚀.`

const shortAnswer = `# How this answer reaches you 🌊

Each message is **a document of its own**. What you read here was written into it token by token, and every tab that \
looks at it gets the same small updates.

1. The server appends to the document.
2. The update is *logged*, then shown: nothing that you saw can get lost.
3. A tab that comes late says what it has, and gets what it lacks.

| what happens | what you see |
|---|---|
| you reload the page | the same text at once |
| a colleague joins 👩🏽‍💻 | the answer so far, then every word |
| you press Stop | it stops, in every tab |

\`\`\`ts
const doc = new Y.Doc()
doc.getArray('output').observeDeep(() => {
  console.log(doc.getArray('output').toJSON())
})
\`\`\`

> This answer comes from the demo provider: set \`OPENAI_API_KEY\` or \`OPENAI_BASE_URL\` to talk to a real model.

Try a prompt with *long*, *tool*, *slow* or *error* in it. Bom dia, 你好, مرحبا 🎉`

/** About 3,000 tokens in numbered sections, so that a lost or doubled one is seen. */
function longAnswer(): string {
  const sections = [shortAnswer]
  for (let number = 1; number <= 32; number++) {
    sections.push(`## Part ${number}

${sentences[number % sentences.length]} This is part ${number} of thirty-two, and it stands here once. \
${sentences[(number * 3 + 1) % sentences.length]} ${sentences[(number * 5 + 2) % sentences.length]}

- point ${number}.1: rivers do not send their whole length again with every drop 💧
- point ${number}.2: \`stateVector\` says what is there already`)
  }
  return sections.join('\n\n')
}

const sentences = [
  'A stream is read once and written once, whoever watches it.',
  'Whoever was away asks for the difference and not for the whole.',
  'The slow reader waits for itself; nobody else waits for it.',
  'What was shown is in the log, because the log comes first.',
  'Two tabs hold the same text, and a digest proves it.',
  'A stop is a promise: what comes after it does not appear.',
  'An answer may pause, fail or be cut off, but it always ends.',
]
