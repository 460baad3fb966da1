/** Names of days, weeks and months, as they stand above a list. */
export function timesOf(language: string) {
  const relative = new Intl.RelativeTimeFormat(language, { numeric: 'auto' })
  const month = new Intl.DateTimeFormat(language, { month: 'long' })
  const monthOfYear = new Intl.DateTimeFormat(language, { month: 'long', year: 'numeric' })
  const begun = (words: string) => words.charAt(0).toLocaleUpperCase(language) + words.slice(1)
  return {
    today: begun(relative.format(0, 'day')),
    yesterday: begun(relative.format(-1, 'day')),
    thisWeek: begun(relative.format(0, 'week')),
    /** With the year, if it is not the year of `now`. */
    month: (at: Date, now: Date) => begun((at.getFullYear() === now.getFullYear() ? month : monthOfYear).format(at)),
  }
}
