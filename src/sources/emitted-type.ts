// Which types of events other programs may emit by SQL.
import { eventType } from './event-type.ts'
import { isReserved } from './known-types.ts'

/** The one type of this program's own that may be emitted: it records a deployment. */
export const DEPLOYED = 'environment.deployed'

/**
 * Why an event of this type cannot be emitted; null when it can: it is below a name that belongs
 * neither to a source nor to this program or GitHub, such as `order.paid`, or is
 * `environment.deployed`.
 */
export function emittedTypeProblem(type: string, sources: Pick<ReadonlyMap<string, unknown>, 'has'>): string | null {
  if (type === DEPLOYED) return null
  if (eventType(type) === undefined)
    return 'must be 1 to 100 letters, digits, or any of . _ -, the first not one of these'
  const [name = '', ...rest] = type.split('.')
  if (rest.length === 0 || rest.includes('')) return `must be below a name of your own, such as "shop.${name}"`
  if (isReserved(name)) return `"${name}" belongs to Signalbox or GitHub; use another name, such as "shop.${type}"`
  if (sources.has(name)) return `"${name}" is the name of a source; use another name, such as "shop.${type}"`
  return null
}
