import './compose.css'

/** The place of the composer, until it is known whether one may write: nothing moves when it comes. */
export function ComposerPlace() {
  return (
    <div className="compose compose-place" aria-hidden>
      <div className="composer">
        <div className="composer-line" />
        <div className="composer-row">
          <span className="button send" />
        </div>
      </div>
      <p className="compose-hint">{'\u00A0'}</p>
    </div>
  )
}
