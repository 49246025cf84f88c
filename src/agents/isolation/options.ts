// What an agent that starts a program says about its isolation.
import { z } from 'zod'
import { isAllowEntry } from '../../lib/address-guard.ts'
import type { IsolationName, Network } from './isolation.ts'
import { ISOLATIONS } from './isolation.ts'
import type { Limits } from './limits.ts'
import { limitsSchema } from './limits.ts'

/** Options of an agent that starts a program. */
export type IsolationOptions = {
  /**
   * What keeps the program from what the service knows. `auto`, the default, is `bubblewrap` where
   * it works, else `user` where there is one, else `none`. SIGNALBOX_ISOLATION is the default of
   * all.
   */
  isolation?: IsolationName
  /** The account it runs as, where the service is root's. Default: SIGNALBOX_PROGRAM_USER. */
  user?: string
  /** Only bubblewrap can keep it from the network. Default `full`. */
  network?: Network
  /**
   * In bubblewrap: files and folders it may read besides the system's and those `argv` names,
   * beside `signalbox.config.ts` if relative.
   */
  read?: readonly string[]
  /** In bubblewrap: folders it may change besides its own, found like those of `read`. */
  write?: readonly string[]
  /** What it may use of the machine. */
  limits?: Limits
}

const NETWORK = 'must be "none", "full" or { allow: [hosts] }, such as "api.example.com" or "*.example.com:8443"'
const host = z.string().refine(isAllowEntry)
const paths = z.array(z.string().min(1)).optional()

/** The fields of `IsolationOptions`, for the schema of an agent's options. */
export const isolationFields = {
  isolation: z.enum(ISOLATIONS).optional(),
  user: z.string().min(1).optional(),
  network: z.union([z.enum(['none', 'full']), z.strictObject({ allow: z.array(host) })], NETWORK).optional(),
  read: paths,
  write: paths,
  limits: limitsSchema.optional(),
}
