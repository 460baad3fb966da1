/** Letters that show nothing and are no format characters (Hangul fillers, an empty Braille cell, variation selectors …). */
const blank = /[\p{Default_Ignorable_Code_Point}\u2800]/gu
/** What ends a line, turns what follows, or is nothing that anybody should see: control, format, private and half characters. */
const unseen = /[\p{Cc}\p{Cf}\p{Co}\p{Cs}\p{Zl}\p{Zp}]/gu
/** No script stacks more marks on a letter; a tower of them covers the lines around it. */
const towers = /(\p{M}{4})\p{M}+/gu

/** What somebody else calls a thing or themselves: one line of what can be seen, in its own direction, at most this long; '' where nothing is left. */
export function cleanLine(text: string, maxLength = 200): string {
  // Bounded first: what is far too long is not looked at.
  return text
    .slice(0, 4 * maxLength)
    .toWellFormed()
    .replaceAll(unseen, '')
    .replaceAll(blank, '')
    .replaceAll(towers, '$1')
    .replaceAll(/\s+/g, ' ')
    .trim()
    .slice(0, maxLength)
    .toWellFormed()
    .trim()
}
