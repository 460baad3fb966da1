import { usePresence } from '@runnel/client/react'
import { useState } from 'react'
import { addressOf } from '../address.ts'
import { useTyping } from '../compose/typing.ts'
import { useUser } from '../sign-in/user.ts'
import { Face } from '../ui/face.tsx'
import { Popover } from '../ui/popover.tsx'
import { useWords, type Words } from '../words/words.ts'
import { thisBrowser } from './browser.ts'
import { isGuestId, oneself, peopleIn, type Said, type Somebody } from './people.ts'
import { useReadingAt } from './reading-at.ts'

/** At most this many faces, and this many names in the sentence. */
const mostFaces = 4
const mostNames = 2

/** Who else has this chat open, and what they are doing. Renders nothing if nobody else is here. */
export function Here({ chatId }: { chatId: string }) {
  const allWords = useWords()
  const words = allWords.header
  const me = useUser()
  const said: Said = {}
  if (useTyping(chatId)) said.typing = true
  const at = useReadingAt()
  if (at !== null) said.at = at
  if (me && isGuestId(me.id)) said.browser = thisBrowser()
  const { others, viewers } = usePresence(chatId, me && said)
  const [anchor, setAnchor] = useState<HTMLElement | null>(null)
  const { people, ownTabs } = peopleIn(others, me, said.browser ?? '')
  if (people.length === 0 && ownTabs === 0 && viewers === null) return null
  const sentence =
    viewers !== null
      ? words.countHere(viewers)
      : people.length > 0
        ? sentenceOf(people, words)
        : words.moreTabs(ownTabs)
  return (
    <>
      <button
        type="button"
        className="here"
        aria-label={sentence}
        aria-haspopup="dialog"
        aria-expanded={anchor !== null}
        onClick={({ currentTarget }) => setAnchor(anchor ? null : currentTarget)}
        data-testid="presence"
      >
        <span className="faces">
          {people.slice(0, mostFaces).map(({ key, name, isTyping }) => (
            <span key={key} className="face-of" data-typing={isTyping || undefined}>
              <Face id={key} name={name} />
            </span>
          ))}
          {people.length > mostFaces && <span className="more-faces">+{people.length - mostFaces}</span>}
        </span>
        <span className="others">{sentence}</span>
      </button>
      <Popover anchor={anchor} label={words.whoIsHere} close={() => setAnchor(null)}>
        {viewers !== null && <p className="why">{words.tooManyToName(viewers)}</p>}
        <ul className="people-here">
          {me && (
            <li>
              <Face id={me.id} name={me.name ?? me.id} />
              <span dir="auto">{oneself(me.id, me.name ?? me.id, allWords)}</span>
              {ownTabs > 0 && <small>{words.inTabs(ownTabs + 1)}</small>}
            </li>
          )}
          {people.map(({ key, name, tabs, isTyping, at }) => (
            <li key={key}>
              <Face id={key} name={name} />
              <span dir="auto">{name}</span>
              {isTyping ? (
                <small>{words.isTyping}</small>
              ) : at !== null ? (
                <a href={addressOf(chatId, at)} onClick={() => setAnchor(null)}>
                  {words.isReading}
                </a>
              ) : (
                tabs > 1 && <small>{words.inTabs(tabs)}</small>
              )}
            </li>
          ))}
        </ul>
      </Popover>
    </>
  )
}

/** "Ben is typing" goes before "Ben and Cy are here". */
function sentenceOf(people: readonly Somebody[], words: Words['header']): string {
  const typing = people.filter(({ isTyping }) => isTyping)
  const told = typing.length > 0 ? typing : people
  const guests = told.filter(({ isGuest }) => isGuest).length
  const named = told.filter(({ isGuest }) => !isGuest).map(({ name }) => name)
  const shown = named.slice(0, mostNames)
  const others = named.length - shown.length
  const list = guests > 0 ? [...shown, words.guests(guests)] : shown
  return (typing.length > 0 ? words.typing : words.here)(list, others, told.length)
}
