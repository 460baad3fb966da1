const isApple = /Mac|iPhone|iPad/.test(navigator.platform)

/** The name of a key on this machine: `mod` is ⌘ or Ctrl. */
export function keyName(keys: string): string {
  const names = keys.replace('mod', isApple ? '⌘' : 'Ctrl').replace('Shift', isApple ? '⇧' : 'Shift')
  return isApple ? names.replaceAll('+', '') : names.replaceAll('+', ' ')
}
