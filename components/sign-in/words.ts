/** Where one returns to, in words. */
export function placeWords(next: string): string {
  if (next.startsWith('/saml/idp/')) return 'the console that you came from'
  const [area = '', name] = next.split('?')[0]?.slice(1).split('/') ?? []
  return `${area[0]?.toUpperCase() ?? ''}${area.slice(1)}${name && name.length < 20 ? `, ${name}` : ''}`
}

/** ND for Norrdata */
export const monogram = (name: string): string => {
  const words = name.split(/[\s._-]+/).filter(Boolean)
  const letters = words.length > 1 ? words.map((word) => word[0]).join('') : (words[0] ?? '')
  return letters.slice(0, 2).toUpperCase()
}
