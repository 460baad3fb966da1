import type { Point } from './figures.ts'

const [width, height] = [300, 150]

/** The bytes received by the length of the text, and what other protocols would have sent. */
export function Chart({ points, label }: { points: readonly Point[]; label: string }) {
  const last = points.at(-1)!
  const most = Math.max(last.whole, 1)
  const across = Math.max(last.text, 1)
  const path = (of: (point: Point) => number) =>
    points
      .map((point, index) => {
        const x = (point.text / across) * width
        const y = height - 2 - (Math.min(of(point), most) / most) * (height - 4)
        return `${index === 0 ? 'M' : 'L'}${x.toFixed(1)} ${y.toFixed(1)}`
      })
      .join('')
  return (
    <svg className="chart" viewBox={`0 0 ${width} ${height}`} preserveAspectRatio="none" role="img" aria-label={label}>
      <path className="ground" d={`M0 ${height - 2}H${width}`} />
      <path className="whole" d={path((point) => point.whole)} />
      <path className="deltas" d={path((point) => point.deltas)} />
      <path className="runnel" d={path((point) => point.runnel)} />
    </svg>
  )
}
