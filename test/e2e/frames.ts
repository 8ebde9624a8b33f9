import type { LabHost } from '#server/lab/host.ts'

export const BROADCAST = 'ff:ff:ff:ff:ff:ff'
const NO_MAC = '00:00:00:00:00:00'

const macBytes = (mac: string): number[] => mac.split(':').map((pair) => Number.parseInt(pair, 16))
const ipBytes = (address: string): number[] => address.split('.').map(Number)
const u16 = (value: number): number[] => [value >>> 8, value & 0xff]

const ethernet = (to: string, from: string, type: number, payload: readonly number[]): number[] => [
  ...macBytes(to),
  ...macBytes(from),
  ...u16(type),
  ...payload,
]

function checksum(bytes: readonly number[]): number {
  let sum = 0
  for (let at = 0; at < bytes.length; at += 2) sum += ((bytes[at] ?? 0) << 8) | (bytes[at + 1] ?? 0)
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16)
  return ~sum & 0xffff
}

interface Sender {
  /** Source of the frame. */
  readonly mac: string
  /** Source of the packet. */
  readonly address: string
}

/** A UDP datagram to the discard port. */
export function udpFrame(from: Sender, to: Sender): number[] {
  const udp = [...u16(9), ...u16(9), ...u16(12), ...u16(0), 0x77, 0x65, 0x66, 0x74]
  const head = [0x45, 0, ...u16(20 + udp.length), 0, 0, 0, 0, 64, 17]
  const addresses = [...ipBytes(from.address), ...ipBytes(to.address)]
  const sum = checksum([...head, 0, 0, ...addresses])
  return ethernet(to.mac, from.mac, 0x800, [...head, ...u16(sum), ...addresses, ...udp])
}

/** An ARP request or answer (RFC 826) that says that `claimed` is at `from.mac`; `frameMac` differs where the frame itself lies too. */
export function arpFrame(kind: 'request' | 'answer', from: Sender, target: string): number[] {
  const body = [...u16(1), ...u16(0x800), 6, 4, ...u16(kind === 'request' ? 1 : 2)]
  const claim = [...macBytes(from.mac), ...ipBytes(from.address), ...macBytes(NO_MAC), ...ipBytes(target)]
  return ethernet(BROADCAST, from.mac, 0x806, [...body, ...claim])
}

const SEND = `import socket,sys
s=socket.socket(socket.AF_PACKET,socket.SOCK_RAW)
s.bind(('eth0',0))
for _ in range(int(sys.argv[1])):
  for frame in sys.argv[2:]: s.send(bytes.fromhex(frame))`

/** Puts frames on a host's wire as they are, each so many times. */
export async function send(host: LabHost, frames: readonly (readonly number[])[], times = 1): Promise<void> {
  const hex = frames.map((frame) => Buffer.from(frame).toString('hex'))
  await host.exec(['python3', '-c', SEND, String(times), ...hex])
}

/**
 * Keeps a host from asking known neighbours again by itself, as kernels do 5 s after a conversation: who counts frames
 * wants to see those alone that a test has sent.
 */
export const keepQuiet = (host: LabHost): Promise<string> =>
  host.exec(['sysctl', '-qw', 'net.ipv4.neigh.eth0.delay_first_probe_time=600'])

/** How many frames have reached a host so far. */
export async function received(host: LabHost): Promise<number> {
  const text = await host.exec(['ip', '-json', '-statistics', 'link', 'show', 'dev', 'eth0'])
  const [link] = JSON.parse(text) as { stats64: { rx: { packets: number } } }[]
  if (!link) throw new Error(`${host.name} has no eth0`)
  return link.stats64.rx.packets
}
