/** Settings of the browser, whoever uses it. Everything else that this page keeps belongs to one person. */
const ofTheBrowser = new Set([
  'runnel-language',
  'runnel-scheme',
  'runnel-list',
  'runnel-notices',
  'runnel-token',
  'runnel-user',
  'runnel-invite',
])
const leavingKey = 'runnel-leaving'

/** Drafts, choices and places of one person are never shown to the next. */
function forgetWords(): void {
  for (const storage of [localStorage, sessionStorage])
    for (const key of Object.keys(storage))
      if (key.startsWith('runnel') && !ofTheBrowser.has(key)) storage.removeItem(key)
}

/** Another person used this page before: clears everything they left in it. */
export function leavePage(): void {
  forgetWords()
  sessionStorage.setItem(leavingKey, '1')
  location.reload()
}

/** Clears what the last page still stored as it was left. Call it before anything stored is read. */
export function finishLeaving(): void {
  if (sessionStorage.getItem(leavingKey) !== null) forgetWords()
}
