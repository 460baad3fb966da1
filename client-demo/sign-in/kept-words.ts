/** What belongs to the browser, whoever uses it. All else that this page keeps is of one person. */
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

/** Drafts, choices, places: nothing of one person is shown to the next. */
function forgetWords(): void {
  for (const storage of [localStorage, sessionStorage])
    for (const key of Object.keys(storage))
      if (key.startsWith('runnel') && !ofTheBrowser.has(key)) storage.removeItem(key)
}

/** This page was another person's: nothing of it stays, nor of what they wrote in it. */
export function leavePage(): void {
  forgetWords()
  sessionStorage.setItem(leavingKey, '1')
  location.reload()
}

/** What the page that was left has still kept as it went. To be called before anything that was kept is read. */
export function finishLeaving(): void {
  if (sessionStorage.getItem(leavingKey) !== null) forgetWords()
}
