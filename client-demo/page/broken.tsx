import { Component, type ReactNode } from 'react'
import { Button } from '../ui/button.tsx'
import { wordsNow } from '../words/words.ts'

/** Shown instead of the page when a part of it could not be loaded, for example after an update or without a connection. */
export class Broken extends Component<{ children: ReactNode }, { isBroken: boolean }> {
  override state = { isBroken: false }

  static getDerivedStateFromError() {
    return { isBroken: true }
  }

  override render() {
    if (!this.state.isBroken) return this.props.children
    const words = wordsNow().page
    return (
      <main className="broken" role="alert">
        <p>{words.broken}</p>
        <Button look="primary" onClick={() => location.reload()}>
          {words.reload}
        </Button>
      </main>
    )
  }
}
