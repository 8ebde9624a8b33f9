import type { ReactNode } from 'react'

/** The line drawings of the console, on a 16 by 16 grid. */
const SHAPES = {
  overview: (
    <>
      <rect x="2" y="2" width="5" height="6" rx="1" />
      <rect x="9" y="2" width="5" height="3.5" rx="1" />
      <rect x="9" y="8" width="5" height="6" rx="1" />
      <rect x="2" y="10.5" width="5" height="3.5" rx="1" />
    </>
  ),
  network: (
    <>
      <circle cx="8" cy="3.5" r="1.75" />
      <circle cx="3.5" cy="12.5" r="1.75" />
      <circle cx="12.5" cy="12.5" r="1.75" />
      <path d="M8 5.3v2.9M8 8.2 4.3 11M8 8.2l3.7 2.8" />
    </>
  ),
  inventory: (
    <>
      <rect x="2" y="2.5" width="12" height="4.5" rx="1" />
      <rect x="2" y="9" width="12" height="4.5" rx="1" />
      <path d="M4.5 4.8h.01M4.5 11.3h.01M7 4.8h4.5M7 11.3h4.5" />
    </>
  ),
  change: (
    <>
      <circle cx="4" cy="3.5" r="1.7" />
      <circle cx="4" cy="12.5" r="1.7" />
      <circle cx="12" cy="6.5" r="1.7" />
      <path d="M4 5.2v5.6M12 8.2c0 2.3-2.5 2.3-5 2.6" />
    </>
  ),
  settings: (
    <>
      <path d="M2 4.5h6M12 4.5h2M2 11.5h2M8 11.5h6" />
      <circle cx="10" cy="4.5" r="1.8" />
      <circle cx="6" cy="11.5" r="1.8" />
    </>
  ),
  search: (
    <>
      <circle cx="7" cy="7" r="4.5" />
      <path d="m10.5 10.5 3.5 3.5" />
    </>
  ),
  bell: <path d="M4 7a4 4 0 0 1 8 0c0 3.5 1.5 4.5 1.5 4.5h-11S4 10.5 4 7zM6.7 13.8a1.5 1.5 0 0 0 2.6 0" />,
  ok: (
    <>
      <circle cx="8" cy="8" r="6" />
      <path d="m5.4 8.2 1.8 1.8 3.4-3.8" />
    </>
  ),
  warn: (
    <>
      <path d="M8 2.3 14.3 13.2H1.7z" />
      <path d="M8 6.5v3M8 11.3v.01" />
    </>
  ),
  bad: (
    <>
      <path d="M5.5 2h5L14 5.5v5L10.5 14h-5L2 10.5v-5z" />
      <path d="m6 6 4 4M10 6l-4 4" />
    </>
  ),
  moving: (
    <>
      <path d="M14 8a6 6 0 1 1-3.2-5.3" />
      <path d="M8 5v3.2l2 1.3" />
    </>
  ),
  idle: <circle cx="8" cy="8" r="6" strokeDasharray="2.4 2.3" />,
  info: (
    <>
      <circle cx="8" cy="8" r="6" />
      <path d="M8 7.3V11M8 5v.01" />
    </>
  ),
  drift: <path d="M3 5.5h8.5M9.3 3.2l2.3 2.3-2.3 2.3M13 10.5H4.5M6.7 8.2l-2.3 2.3 2.3 2.3" />,
  undo: (
    <>
      <path d="M3 6.5h6.5a3.5 3.5 0 0 1 0 7H6" />
      <path d="M5.5 3.8 2.8 6.5l2.7 2.7" />
    </>
  ),
  spin: <path d="M8 2a6 6 0 1 1-6 6" />,
  check: <path d="m3 8.5 3.2 3.2L13 4.8" />,
  dash: <path d="M3.5 8h9" />,
  plus: <path d="M8 3v10M3 8h10" />,
  close: <path d="m4.5 4.5 7 7M11.5 4.5l-7 7" />,
  more: <path d="M3.5 8h.01M8 8h.01M12.5 8h.01" strokeWidth="2.2" />,
  menu: <path d="M2.5 4.5h11M2.5 8h11M2.5 11.5h11" />,
  up: <path d="m4 9.8 4-4 4 4" />,
  down: <path d="m4 6.2 4 4 4-4" />,
  left: <path d="m9.8 4-4 4 4 4" />,
  right: <path d="m6.2 4 4 4-4 4" />,
  arrow: <path d="M2.5 8h11M9.5 4l4 4-4 4" />,
  filter: <path d="M2 3.5h12M4.5 8h7M6.5 12.5h3" />,
  columns: (
    <>
      <rect x="2" y="2.5" width="12" height="11" rx="1.5" />
      <path d="M6 2.5v11M10 2.5v11" />
    </>
  ),
  person: (
    <>
      <circle cx="8" cy="5.3" r="2.6" />
      <path d="M3 13.8c.6-2.8 2.6-4.2 5-4.2s4.4 1.4 5 4.2" />
    </>
  ),
  lock: (
    <>
      <rect x="3.5" y="7.2" width="9" height="6.3" rx="1.3" />
      <path d="M5.5 7.2V5.3a2.5 2.5 0 0 1 5 0v1.9" />
    </>
  ),
  bin: <path d="M3 4.5h10M6.5 4.5V3h3v1.5M4.3 4.5l.6 9h6.2l.6-9M6.8 7v4M9.2 7v4" />,
  pen: <path d="M3 13l.6-2.8L10.8 3l2.2 2.2-7.2 7.2zM9.3 4.5l2.2 2.2" />,
  port: (
    <>
      <rect x="2.5" y="3" width="11" height="8" rx="1.2" />
      <path d="M5 11v2.5h6V11M5.5 6v2M8 6v2M10.5 6v2" />
    </>
  ),
  chip: (
    <>
      <rect x="4" y="4" width="8" height="8" rx="1.2" />
      <path d="M6.5 4V2M9.5 4V2M6.5 14v-2M9.5 14v-2M4 6.5H2M4 9.5H2M14 6.5h-2M14 9.5h-2" />
    </>
  ),
  range: <path d="M2.500 8h11M2.500 4.500v7M13.500 4.500v7M6.200 6.500v3M9.800 6.500v3" />,
  switch: (
    <>
      <rect x="2" y="3.5" width="12" height="9" rx="1.3" />
      <path d="M4.500 6.700h6M9 5.200l1.600 1.500L9 8.200M11.500 9.800h-6M7 8.400 5.400 9.800 7 11.200" />
    </>
  ),
  people: (
    <>
      <circle cx="6" cy="5.500" r="2.300" />
      <path d="M1.800 13.300c.4-2.600 2.100-3.900 4.200-3.900s3.800 1.300 4.200 3.900M10.300 3.400a2.300 2.300 0 0 1 0 4.200M11.800 9.700c1.300.5 2.200 1.700 2.400 3.600" />
    </>
  ),
  refresh: <path d="M13 8a5 5 0 1 1-1.5-3.6M13 2.5v3h-3" />,
  theme: (
    <>
      <circle cx="8" cy="8" r="5.5" />
      <path d="M8 2.5v11a5.5 5.5 0 0 0 0-11z" fill="currentColor" stroke="none" />
    </>
  ),
  key: (
    <>
      <circle cx="5" cy="11" r="2.700" />
      <path d="m7 9 6-6M10.500 5.500l2 2" />
    </>
  ),
  screen: (
    <>
      <rect x="2" y="3" width="12" height="8" rx="1.200" />
      <path d="M5.500 13.500h5" />
    </>
  ),
  group: (
    <>
      <rect x="2.500" y="2.500" width="11" height="11" rx="2" />
      <circle cx="8" cy="6.700" r="1.700" />
      <path d="M5 11.300c.4-1.600 1.600-2.400 3-2.400s2.600.8 3 2.400" />
    </>
  ),
  badge: (
    <>
      <rect x="3" y="2.500" width="10" height="11" rx="1.500" />
      <path d="M6.500 2.500v1.500h3V2.500M5.500 11.500h5" />
      <circle cx="8" cy="7.500" r="1.600" />
    </>
  ),
  list: <path d="M5.500 4.500h8M5.500 8h8M5.500 11.500h8M2.500 4.500h.01M2.500 8h.01M2.500 11.500h.01" />,
  open: <path d="M9.500 2.500h4v4M13.500 2.500 8 8M11.500 9.500v3a1 1 0 0 1-1 1h-7a1 1 0 0 1-1-1v-7a1 1 0 0 1 1-1h3" />,
  out: <path d="M9.5 3H4v10h5.500M7 8h7M11.500 5.500 14 8l-2.500 2.500" />,
} satisfies Record<string, ReactNode>

export type IconName = keyof typeof SHAPES

/** An icon beside a word; it says nothing by itself to a screen reader. */
export function Icon({ name, small, className }: { name: IconName; small?: boolean; className?: string }) {
  return (
    <svg
      className={`i${small ? ' i-sm' : ''}${className ? ` ${className}` : ''}`}
      viewBox="0 0 16 16"
      aria-hidden="true"
    >
      {SHAPES[name]}
    </svg>
  )
}

/** The mark of the product: two warp threads, two weft threads. */
export function Mark() {
  return (
    <svg viewBox="0 0 22 22" aria-hidden="true">
      <g fill="none" strokeWidth="2.6" strokeLinecap="round">
        <path d="M7 2v18M15 2v18" stroke="var(--ink)" opacity=".34" />
        <path d="M2 7.5h3M9.6 7.5H20M2 14.5h10.4M17.6 14.5H20" stroke="var(--accent)" />
      </g>
    </svg>
  )
}
