import { formatIp, type Ip } from '#server/kernel/ip.ts'
import { formatPrefix, lastOf, type Prefix } from '#server/kernel/prefix.ts'

/** `10.40.40.1 lies outside 10.40.36.0/22, which ends at 10.40.39.255.` */
export function outside(ip: Ip, prefix: Prefix): string {
  const start = `${formatIp(ip)} lies outside ${formatPrefix(prefix)}`
  if (ip.version !== prefix.version) return `${start}, which is IPv${prefix.version}.`
  if (ip.value < prefix.value) return `${start}, which begins at ${formatIp(prefix)}.`
  return `${start}, which ends at ${formatIp(lastOf(prefix))}.`
}
