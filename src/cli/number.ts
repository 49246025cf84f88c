// A whole number as an option's value.
import { InvalidArgumentError } from 'commander'

/** A parser of options that are whole numbers of at most five digits. */
export function parseNumber(min: number, max: number): (value: string) => number {
  return (value) => {
    if (/^\d{1,5}$/.test(value) && Number(value) >= min && Number(value) <= max) return Number(value)
    throw new InvalidArgumentError(`It must be a number from ${min} to ${max}.`)
  }
}
