/** The part of xml-encryption that is used here; the package brings no types. */
declare module 'xml-encryption' {
  type Done = (error: Error | null, result?: string) => void

  interface EncryptOptions {
    readonly rsa_pub: string
    readonly pem: string
    readonly encryptionAlgorithm: string
    readonly keyEncryptionAlgorithm: string
    readonly keyEncryptionDigest?: string
    readonly disallowEncryptionWithInsecureAlgorithm?: boolean
    readonly warnInsecureAlgorithm?: boolean
  }

  interface DecryptOptions {
    readonly key: string
    readonly disallowDecryptionWithInsecureAlgorithm: boolean
    readonly warnInsecureAlgorithm: boolean
  }

  /** An `EncryptedData` element around `content`. */
  export function encrypt(content: string, options: EncryptOptions, done: Done): void

  /** What the `EncryptedData` in an element holds. */
  export function decrypt(xml: string | Element, options: DecryptOptions, done: Done): void
}
