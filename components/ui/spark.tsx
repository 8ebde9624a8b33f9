/** A small line of what a figure was; decoration beside the figure itself. */
export function Spark({
  values,
  width = 84,
  height = 28,
}: {
  values: readonly number[]
  width?: number
  height?: number
}) {
  if (values.length < 2) return <span className="spark-none" style={{ width, height }} aria-hidden="true" />
  const low = Math.min(...values)
  const span = Math.max(...values) - low || 1
  const points = values.map(
    (value, index) =>
      `${((index / (values.length - 1)) * width).toFixed(1)} ${(height - 2 - ((value - low) / span) * (height - 6)).toFixed(1)}`,
  )
  return (
    <svg className="spark" width={width} height={height} viewBox={`0 0 ${width} ${height}`} aria-hidden="true">
      <path className="a" d={`M${points.join('L')}L${width} ${height}L0 ${height}z`} />
      <path className="l" d={`M${points.join('L')}`} />
    </svg>
  )
}
