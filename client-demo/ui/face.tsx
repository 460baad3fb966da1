import './face.css'

/** A person: the first letter of their name, on a colour that is always the same for them. */
export function Face({ id, name }: { id: string; name: string }) {
  const hue = Array.from(id).reduce((sum, letter) => (sum * 31 + letter.codePointAt(0)!) % 360, 7)
  return (
    <span
      className="face"
      ref={(element) => element?.style.setProperty('--c', `oklch(50% 0.13 ${hue})`)}
      title={name}
      aria-hidden
    >
      {Array.from(name)[0]?.toLocaleUpperCase()}
    </span>
  )
}
