import { Dialog } from '../ui/dialog.tsx'
import { useWords } from '../words/words.ts'
import { keyName } from './key-names.ts'
import './key-sheet.css'

/** All keys of the page. */
export function KeySheet({ close }: { close: () => void }) {
  const words = useWords().page.keys
  return (
    <Dialog title={words.title} isOpen close={close} className="key-sheet">
      <div className="key-groups" data-testid="keys">
        {words.groups.map(({ name, keys }) => (
          <section key={name}>
            <h2>{name}</h2>
            <dl>
              {keys.map(([key, does]) => (
                <div key={key}>
                  <dt>{does}</dt>
                  <dd>
                    <kbd>{keyName(key!)}</kbd>
                  </dd>
                </div>
              ))}
            </dl>
          </section>
        ))}
      </div>
    </Dialog>
  )
}
