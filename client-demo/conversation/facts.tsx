import type { MessageFields } from '@runnel/client'
import { useWords } from '../words/words.ts'
import './facts.css'

/** How an answer was made. Unknown facts are left out. */
export default function Facts({ message }: { message: MessageFields }) {
  const words = useWords().conversation
  const { createdAt, startedAt, firstTokenAt, endedAt, model, usage } = message
  const count = (tokens: number | undefined) => (tokens === undefined ? undefined : words.tokenCount(tokens))
  const between = (from: number | undefined, to: number | undefined) =>
    from === undefined || to === undefined ? undefined : words.duration(Math.max(0, to - from))
  const facts: [name: string, value: string | undefined, isPart?: boolean][] = [
    [words.time, words.moment(createdAt)],
    [words.model, model],
    [words.firstWords, between(startedAt, firstTokenAt)],
    [words.took, between(startedAt, endedAt)],
    [words.tokens, usage ? count(usage.totalTokens) : words.unknown],
    [words.tokensIn, count(usage?.inputTokens), true],
    [words.tokensKept, count(usage?.cachedTokens), true],
    [words.tokensOut, count(usage?.outputTokens), true],
    [words.tokensThought, count(usage?.reasoningTokens), true],
  ]
  return (
    <dl className="facts" data-testid="facts">
      {facts.map(
        ([name, value, isPart]) =>
          value !== undefined && (
            <div key={name} data-part={isPart}>
              <dt>{name}</dt>
              <dd>{value}</dd>
            </div>
          ),
      )}
    </dl>
  )
}
