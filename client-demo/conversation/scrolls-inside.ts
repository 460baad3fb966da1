/** Whether something between `target` and `scroller`, such as long code, can scroll up or down itself (`by`: the sign). */
export function scrollsInside(target: EventTarget | null, scroller: Element, by: number): boolean {
  for (let element = target as Element | null; element && element !== scroller; element = element.parentElement) {
    const { scrollTop, scrollHeight, clientHeight } = element
    const canMove = by < 0 ? scrollTop > 0 : scrollTop < scrollHeight - clientHeight - 1
    if (canMove && scrollHeight > clientHeight && /auto|scroll/.test(getComputedStyle(element).overflowY)) return true
  }
  return false
}
