import type { NextConfig } from 'next'

const config: NextConfig = {
  allowedDevOrigins: ['127.0.0.1'],
  poweredByHeader: false,
  images: { unoptimized: true },
  // The engine in front compresses; event streams must never wait in a buffer here.
  compress: false,
}
export default config
