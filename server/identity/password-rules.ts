import { brokenRules, type RefusalDetail } from '#server/kernel/refusal.ts'

/** Fewer different characters than these, and a long password is a short one that was repeated. */
const DIFFERENT_MIN = 5
/** Names shorter than that are in too many words to mean anything. */
const NAME_MIN = 4
/** Rows that hands run along. */
const ROWS = [
  ...['abcdefghijklmnopqrstuvwxyz', '01234567890', 'qwertyuiop', 'qwertzuiop', 'asdfghjkl', 'zxcvbnm', 'yxcvbnm'],
  ...['1q2w3e4r5t6y7u8i9o0p', '1qaz2wsx3edc4rfv5tgb6yhn7ujm8ik9ol0p', 'zaq12wsxcde34rfv'],
]
const RUN_MIN = 4
/** Words that stand in most lists of passwords that were found out. */
const COMMON = [
  ...['password', 'passwort', 'letmein', 'welcome', 'willkommen', 'iloveyou', 'changeme', 'administrator', 'secret'],
  ...['admin', 'default', 'master', 'monkey', 'dragon', 'football', 'baseball', 'princess', 'sunshine', 'superman'],
  ...['spring', 'summer', 'autumn', 'winter', 'january', 'february', 'march', 'april', 'june', 'july', 'august'],
  ...['september', 'october', 'november', 'december', 'monday', 'friday', 'sunday', 'login', 'guest', 'demo', 'test'],
]
/** Words of this field: whoever guesses at a console like this one begins with them. */
const FIELD = [
  ...['weft', 'operator', 'operators', 'auditor', 'tenant', 'tenants', 'member', 'network', 'networks', 'openvswitch'],
  ...['openflow', 'ovsdb', 'switch', 'switches', 'datapath', 'datacenter', 'datacentre', 'vxlan', 'router', 'firewall'],
  ...['server', 'servers', 'console', 'cloud', 'saml', 'root', 'inventory'],
]
// The longest first: where one word begins another, all of it goes.
const WORDS = [...COMMON, ...FIELD].sort((a, b) => b.length - a.length)
const YEAR = /^(?:19|20)\d\d/
/** What is left beside names, words and runs has to be as long as this. */
const LEFT_MIN = 6

const reversed = (text: string) => [...text].reverse().join('')
const RUNS = ROWS.flatMap((row) => [row, reversed(row)])

/** How people write letters in passwords. */
const plain = (password: string): string =>
  password.toLowerCase().replaceAll('0', 'o').replaceAll('@', 'a').replaceAll('$', 's').replaceAll('3', 'e')

/** The longest run at the beginning of a text. */
function runAt(text: string): number {
  let longest = 0
  for (const row of RUNS)
    for (let from = 0; from < row.length; from++) {
      let length = 0
      while (from + length < row.length && text[length] === row[from + length]) length += 1
      longest = Math.max(longest, length)
    }
  return longest
}

/** What is left of a password without what everybody tries first. */
function without(password: string, words: readonly string[]): string {
  let left = ''
  for (let at = 0; at < password.length; ) {
    const rest = password.slice(at)
    const word = words.find((one) => rest.startsWith(one) || plain(rest).startsWith(one))
    const run = runAt(rest)
    if (word) at += word.length
    else if (YEAR.test(rest)) at += 4
    else if (run >= RUN_MIN) at += run
    else {
      // What stands between words says nothing.
      if (/[\p{L}\p{N}]/u.test(password[at] as string)) left += password[at]
      at += 1
    }
  }
  return left
}

/** Whether a text is a shorter one, again and again. */
const isRepeated = (text: string): boolean => (text + text).indexOf(text, 1) <= text.length / 2

/**
 * Refuses a new password that would be among the first that are tried; which characters it is made of is nobody's business
 * (NIST SP 800-63B, section 3.1.1.2). `names`: of the account and the product. Throws `Refusal` (`rule`).
 */
export function checkByRules(password: string, names: readonly string[], pointer: string): void {
  const refuse = (rule: string, message: string, mend: string): never => {
    const detail: RefusalDetail = { pointer, rule, message, mend }
    throw brokenRules([detail])
  }
  const text = password.toLowerCase()
  if (new Set(text).size < DIFFERENT_MIN || isRepeated(text))
    refuse('password.repeated', 'The password repeats itself.', 'Take several words that do not belong together.')
  const known = names
    .flatMap((name) => name.toLowerCase().split(/[^\p{L}\p{N}]+/u))
    .filter((name) => name.length >= NAME_MIN)
  const name = known.find((one) => text.includes(one))
  if (name !== undefined && without(text, known).length < LEFT_MIN + LEFT_MIN)
    refuse('password.name', `The password is made of the name ${name}.`, 'Leave names out.')
  if (without(text, [...WORDS, ...known]).length < LEFT_MIN)
    refuse('password.common', 'The password is one of the first that are tried.', 'Take several words of your own.')
}
