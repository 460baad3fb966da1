import type { ToolInfo, ToolServerInfo } from '@runnel/client'
import { useWords } from '../words/words.ts'
import './picker.css'

interface ToolPickerProps {
  servers: readonly ToolServerInfo[]
  tools: readonly ToolInfo[]
  /** Null: all, including tools that are added later. */
  chosen: readonly string[] | null
  onChange: (chosen: readonly string[] | null) => void
}

/** The server's tools, in one group for each tool server. A group can be switched as a whole. */
export default function ToolPicker({ servers, tools, chosen, onChange }: ToolPickerProps) {
  const words = useWords().compose
  const on = new Set(chosen ?? tools.map(({ name }) => name))
  const put = (names: readonly string[], isOn: boolean) => {
    const next = new Set(on)
    for (const name of names) {
      if (isOn) next.add(name)
      else next.delete(name)
    }
    const known = tools.map(({ name }) => name).filter((name) => next.has(name))
    onChange(known.length === tools.length ? null : known)
  }
  const groups = [...Map.groupBy(tools, ({ server }) => server ?? '')]
  const failed = servers.filter(({ state }) => state === 'failed')
  return (
    <div className="tool-picker" data-testid="tool-picker">
      {groups.map(([server, ofServer]) => {
        const names = ofServer.map(({ name }) => name)
        const count = names.filter((name) => on.has(name)).length
        return (
          <fieldset key={server}>
            <legend>
              <label className="picker-switch">
                <input
                  type="checkbox"
                  checked={count === names.length}
                  ref={(input) => {
                    if (input) input.indeterminate = count > 0 && count < names.length
                  }}
                  onChange={() => put(names, count < names.length)}
                />
                <bdi>{server === '' ? words.ownTools : server}</bdi>
              </label>
            </legend>
            {ofServer.map(({ name, original, title, description, approval }) => (
              <label key={name} className="picker-switch picker-tool">
                <input type="checkbox" checked={on.has(name)} onChange={({ target }) => put([name], target.checked)} />
                <span className="picker-text">
                  <bdi>{title ?? original}</bdi>
                  <small dir="auto">{description}</small>
                  {approval !== 'never' && <small>{words.asksFirst[approval]}</small>}
                </span>
              </label>
            ))}
          </fieldset>
        )
      })}
      {failed.map(({ name }) => (
        <p key={name} className="picker-note">
          {words.serverAway(name)}
        </p>
      ))}
    </div>
  )
}
