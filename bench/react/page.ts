/** What the bench opens in Chromium: a chat by hooks, its answer as Markdown or as pieces. */
import { createElement as h, memo } from 'react'
import { createRoot } from 'react-dom/client'
import { RunnelProvider, useBlockText, useBranch, useMessage } from '../../client/react/index.ts'
import { BlockMarkdown } from '../../client/react/markdown/index.ts'

const [chatId = '', kind] = location.hash.slice(1).split(',')
const root = document.querySelector<HTMLElement>('#root')!
const view = document.querySelector<HTMLElement>('#view')!

const skipped = (element: HTMLElement | null) => {
  element?.style.setProperty('content-visibility', 'auto')
  element?.style.setProperty('contain-intrinsic-block-size', 'auto 30rem')
}
const Piece = memo(({ text }: { text: string }) => h('div', { ref: skipped }, text))

function Pieces({ messageId, id }: { messageId: string; id: string }) {
  const { finished, open } = useBlockText(messageId, id)
  return h(
    'div',
    { style: { whiteSpace: 'pre-wrap', overflowWrap: 'anywhere' } },
    [...finished, open].map(({ start, text }) => h(Piece, { key: start, text })),
  )
}

const Answer = memo(({ id }: { id: string }) => {
  const { blocks } = useMessage(id)
  return h(
    'article',
    null,
    blocks.map((block) =>
      kind === 'markdown'
        ? h(BlockMarkdown, { key: block.id, messageId: id, blockId: block.id })
        : h(Pieces, { key: block.id, messageId: id, id: block.id }),
    ),
  )
})

function Chat() {
  return useBranch(chatId).entries.map(({ message }) =>
    message.role === 'user'
      ? h('p', { key: message.id }, message.text)
      : h(Answer, { key: message.id, id: message.id }),
  )
}

new MutationObserver(() => {
  view.scrollTop = 1e9
}).observe(root, { subtree: true, childList: true, characterData: true })
createRoot(root).render(h(RunnelProvider, { options: { url: location.origin } }, h(Chat)))
