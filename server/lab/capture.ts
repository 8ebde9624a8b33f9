import { once } from 'node:events'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import path from 'node:path'
import { startDaemon } from './command.ts'

const VXLAN_PORT = 4789
const ETHERTYPE_IPV4 = 0x0800
const PROTOCOL_UDP = 17

/** One frame inside VXLAN (RFC 7348). */
export interface VxlanFrame {
  readonly outerSource: string
  readonly outerDestination: string
  readonly vni: number
  readonly inner: Uint8Array
}

export interface UnderlayCapture {
  /** Ends the capture and answers the VXLAN frames seen, in order. */
  stop(): Promise<VxlanFrame[]>
}

const ipv4 = (view: DataView, at: number) => Array.from({ length: 4 }, (_, byte) => view.getUint8(at + byte)).join('.')

/** Finds VXLAN over IPv4 in an Ethernet frame; undefined for anything else. */
export function readVxlan(frame: Uint8Array): VxlanFrame | undefined {
  const view = new DataView(frame.buffer, frame.byteOffset, frame.byteLength)
  if (frame.length < 14 + 20 + 8 + 8 || view.getUint16(12) !== ETHERTYPE_IPV4) return undefined
  const udp = 14 + (view.getUint8(14) & 0x0f) * 4
  if (view.getUint8(14 + 9) !== PROTOCOL_UDP || frame.length < udp + 16) return undefined
  if (view.getUint16(udp + 2) !== VXLAN_PORT) return undefined
  return {
    outerSource: ipv4(view, 14 + 12),
    outerDestination: ipv4(view, 14 + 16),
    vni: view.getUint32(udp + 8 + 4) >>> 8,
    inner: frame.subarray(udp + 16),
  }
}

/** The frames of a classic pcap file in little-endian order, as tcpdump writes it on this machine. */
export function readPcap(file: Uint8Array): Uint8Array[] {
  const view = new DataView(file.buffer, file.byteOffset, file.byteLength)
  if (file.length < 24 || view.getUint32(0, true) !== 0xa1b2c3d4) throw new Error('not a pcap file')
  const frames: Uint8Array[] = []
  for (let at = 24; at + 16 <= file.length; ) {
    const length = view.getUint32(at + 8, true)
    if (at + 16 + length > file.length) break
    frames.push(file.subarray(at + 16, at + 16 + length))
    at += 16 + length
  }
  return frames
}

/** Captures an interface with tcpdump into a file below `folder`; resolves when the capture is running. */
export async function captureVxlan(namespace: string, device: string, folder: string): Promise<UnderlayCapture> {
  const dir = await mkdtemp(path.join(folder, 'pcap-'))
  const file = path.join(dir, 'underlay.pcap')
  // `-Z root`: tcpdump would otherwise become a user that may not write into the directory.
  const argv = [
    'tcpdump',
    '-i',
    device,
    '-n',
    '-U',
    '--immediate-mode',
    '-Z',
    'root',
    '-w',
    file,
    `udp port ${VXLAN_PORT}`,
  ]
  const daemon = await startDaemon(argv, { namespace, stderr: 'pipe' })
  const listening = once(daemon.child.stderr as NodeJS.ReadableStream, 'data')
  await Promise.race([listening, daemon.ended])
  if (!daemon.running()) throw new Error(`tcpdump does not capture ${device}`)
  return {
    stop: async () => {
      daemon.child.kill('SIGINT')
      await daemon.ended
      const bytes = await readFile(file)
      await rm(dir, { recursive: true, force: true })
      return readPcap(bytes).flatMap((frame) => readVxlan(frame) ?? [])
    },
  }
}
