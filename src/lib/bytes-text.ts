// Sizes for people.
const BYTE_UNITS = ['B', 'kB', 'MB', 'GB', 'TB'] as const

/** A number of bytes in its largest decimal unit: `512 B`, `3.4 MB`. */
export function bytesText(bytes: number): string {
  const power = Math.min(BYTE_UNITS.length - 1, Math.max(0, Math.floor(Math.log10(Math.max(1, bytes)) / 3)))
  const value = bytes / 1000 ** power
  return `${power === 0 || value >= 100 ? Math.round(value) : value.toFixed(1)} ${BYTE_UNITS[power]}`
}
