/** Figures and times in words. Rates are decimal, sizes are IEC, 64-bit counts come as text. */

/** 412,908,114 */
export const count = (value: string | number | bigint): string => BigInt(value).toLocaleString('en')

/** 584 MiB */
export function bytes(value: string | number): string {
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB']
  let amount = Number(value)
  let unit = 0
  while (amount >= 1024 && unit < units.length - 1) {
    amount /= 1024
    unit += 1
  }
  return `${unit === 0 || amount >= 100 ? Math.round(amount) : amount.toFixed(1)} ${units[unit]}`
}

/** 2.41 and its unit `M/s`, of something per second. */
export function rate(perSecond: number, unit: string): { readonly figure: string; readonly unit: string } {
  const steps = ['', 'k', 'M', 'G']
  let amount = perSecond
  let step = 0
  while (amount >= 1000 && step < steps.length - 1) {
    amount /= 1000
    step += 1
  }
  const figure =
    amount >= 100 || amount === 0 ? Math.round(amount).toString() : amount.toFixed(amount < 10 && step > 0 ? 2 : 1)
  const space = step > 0 && unit.startsWith('pkt') ? ' ' : ''
  return { figure, unit: `${steps[step]}${space}${unit}` }
}

/** 240 ms, 1.2 s, 5 min */
export function span(duration_ms: number): string {
  if (duration_ms < 1000) return `${Math.round(duration_ms)} ms`
  const seconds = duration_ms / 1000
  if (seconds < 60) return `${seconds < 10 ? seconds.toFixed(1) : Math.round(seconds)} s`
  const minutes = seconds / 60
  if (minutes < 59.5) return `${Math.round(minutes)} min`
  const hours = minutes / 60
  if (hours < 48) return `${Math.round(hours)} h`
  return `${Math.round(hours / 24)} d`
}

/** How long ago a time was: `now`, `6 min`, `3 d`. */
export function ago(time: string | number, now: number): string {
  const age = now - (typeof time === 'number' ? time : Date.parse(time))
  return age < 5000 ? 'now' : span(age)
}

/** `1 port`, `24 ports` */
export const plural = (n: number, one: string, many = `${one}s`): string =>
  `${n.toLocaleString('en')} ${n === 1 ? one : many}`

/** `a, b and c` */
export const listed = (words: readonly string[]): string =>
  words.length < 2 ? (words[0] ?? '') : `${words.slice(0, -1).join(', ')} and ${words.at(-1)}`
