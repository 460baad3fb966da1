/** The pages that are walked through, and where each has what. */
import { serveReactExample } from '../../examples/react.ts'

export interface WalkedPage {
  /** Serves it until the test ends, where Runnel itself does not. */
  serve: (runnel: string) => Promise<string>
  composer: string
  stop: string
  answer: string
  /** What stands in an answer of Markdown. */
  text: string
}

export const pages = {
  'the page': {
    serve: async (runnel) => runnel,
    composer: '[data-testid=composer]',
    stop: '[data-testid=stop]',
    answer: '[data-testid=message][data-role=assistant]',
    text: '.growing',
  },
  'the React example': {
    serve: (runnel) => serveReactExample('built', runnel),
    composer: 'input[name=words]',
    stop: 'article button',
    answer: 'article',
    text: ':scope > div',
  },
} as const satisfies Record<string, WalkedPage>
