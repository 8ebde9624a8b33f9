'use client'
import { useEffect, useState } from 'react'

const AFTER_MS = 150

/** True once something has been awaited so long that it should be seen. */
export function useLate(waiting: boolean): boolean {
  const [late, setLate] = useState(false)
  useEffect(() => {
    if (!waiting) return setLate(false)
    const timer = setTimeout(() => setLate(true), AFTER_MS)
    return () => clearTimeout(timer)
  }, [waiting])
  return late && waiting
}

/** Grey bars where rows will be; nothing during the first 150 ms. */
export function Skeleton({ rows = 4 }: { rows?: number }) {
  const late = useLate(true)
  return (
    <div className="bones" role="status" aria-label="Loading" aria-busy="true">
      {late
        ? Array.from({ length: rows }, (_, row) => (
            // biome-ignore lint/suspicious/noArrayIndexKey: the bars have no identity
            <div key={row} className="skeleton" style={{ width: `${88 - ((row * 23) % 40)}%` }} />
          ))
        : null}
    </div>
  )
}
