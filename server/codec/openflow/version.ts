import type { Codec } from '#server/codec/wire/codec.ts'

/** OpenFlow wire versions: 4 is 1.3, 5 is 1.4, 6 is 1.5. */
export type Version = 4 | 5 | 6

export const VERSIONS = [4, 5, 6] as const satisfies readonly Version[]

export const isVersion = (n: number): n is Version => n === 4 || n === 5 || n === 6

/** A structure in each version. */
export type PerVersion<T> = Readonly<Record<Version, Codec<T>>>

/** Makes a structure for each version from one declaration that asks for the version where layouts differ. */
export const perVersion = <T>(declare: (version: Version) => Codec<T>): PerVersion<T> => ({
  4: declare(4),
  5: declare(5),
  6: declare(6),
})

/** A structure that is the same in all versions. */
export const everywhere = <T>(codec: Codec<T>): PerVersion<T> => ({ 4: codec, 5: codec, 6: codec })
