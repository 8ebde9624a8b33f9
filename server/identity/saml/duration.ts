const DURATION =
  /^P(?=.)(?:(\d{1,5})Y)?(?:(\d{1,5})M)?(?:(\d{1,6})D)?(?:T(?=.)(?:(\d{1,8})H)?(?:(\d{1,8})M)?(?:(\d{1,9})(?:\.\d{1,9})?S)?)?$/
/** Of years, months, days, hours, minutes, seconds; a year has 365 days, a month 30. */
const UNITS_MS = [31_536_000_000, 2_592_000_000, 86_400_000, 3_600_000, 60_000, 1_000]

/** An xs:duration in milliseconds, to the second; undefined for anything else, and for what lies in the past. */
export function durationOf(text: string): number | undefined {
  const parts = DURATION.exec(text)?.slice(1)
  return parts?.reduce((sum, part, index) => sum + Number(part ?? 0) * (UNITS_MS[index] as number), 0)
}
