const PITCH = 72
const COLUMNS = 12
const ROWS = 27

/** A woven cloth: at each crossing the weft runs over or under the warp in turn; some weft threads are lit. */
export function WeavePicture() {
  const weft: string[] = []
  const lit: string[] = []
  const warp: string[] = []
  for (let row = 0; row < ROWS; row += 1) {
    for (let column = 0; column < COLUMNS; column += 1) {
      const x = column * PITCH + (row % 2) * (PITCH / 2)
      const y = row * (PITCH / 2) + 18
      const thread = `M${x - 27} ${y}h54`
      if (row % 8 === 5) lit.push(thread)
      else weft.push(thread)
      warp.push(`M${x} ${y + 9}v54`)
    }
  }
  return (
    <svg className="p" viewBox="0 0 760 960" preserveAspectRatio="xMidYMid slice" aria-hidden="true">
      <path d={warp.join('')} className="wa" />
      <path d={weft.join('')} className="we" />
      <path d={lit.join('')} className="we on" />
    </svg>
  )
}
