export interface Question {
  title: string
  text: string
  /** What is done only if somebody says so. */
  yes: string
  /** What stays as it is otherwise: also at Escape. */
  no: string
}

function element<Tag extends keyof HTMLElementTagNameMap>(
  tag: Tag,
  attrs: Record<string, string>,
  ...children: (Node | string)[]
): HTMLElementTagNameMap[Tag] {
  const made = document.createElement(tag)
  for (const [name, value] of Object.entries(attrs)) made.setAttribute(name, value)
  made.append(...children)
  return made
}

/** Asks before anything is done that a link alone must not do, and before there is anything else on the page. */
export function ask({ title, text, yes, no }: Question): Promise<boolean> {
  return new Promise((resolve) => {
    const heading = element('h2', { id: 'ask-title' }, title)
    const stay = element('button', { class: 'button', value: 'no', 'data-testid': 'ask-no', autofocus: '' }, no)
    const go = element('button', { class: 'button', value: 'yes', 'data-testid': 'ask-yes' }, yes)
    const dialog = element(
      'dialog',
      { 'aria-labelledby': 'ask-title', 'data-testid': 'ask' },
      element(
        'form',
        { method: 'dialog' },
        heading,
        element('p', {}, text),
        element('div', { class: 'answers' }, stay, go),
      ),
    )
    dialog.addEventListener('close', () => {
      dialog.remove()
      resolve(dialog.returnValue === 'yes')
    })
    document.body.append(dialog)
    dialog.showModal()
  })
}
