// What of a statement PostgreSQL 15 would refuse, the oldest that Signalbox runs on: the parser of
// 15 reads it, and it is compared with what has been added since.
import { loadModule, parseSync } from 'libpg-query'

// Of PostgreSQL 16 to 18, what a statement could use.
const FUNCTIONS = setOf(`
  any_value array_reverse array_sample array_shuffle array_sort bytea casefold crc32 crc32c date_add date_subtract erf erfc
  gamma has_largeobject_privilege icu_unicode_version json json_array json_arrayagg json_exists json_objectagg json_query
  json_scalar json_serialize json_table json_value jsonb_populate_record_valid lgamma merge_action pg_available_wal_summaries
  pg_basetype pg_column_toast_chunk_id pg_get_acl pg_get_aios pg_get_wait_events pg_input_error_info pg_input_is_valid
  pg_log_standby_snapshot pg_split_walfile_name random_normal to_bin to_oct to_regtypemod unicode_assigned unicode_version
  uuid_extract_timestamp uuid_extract_version uuidv4 uuidv7 xmltext`)
/** Functions that were there, with more arguments than they took. */
const MOST_ARGUMENTS = new Map(
  Object.entries({ random: 0, generate_series: 3, json_strip_nulls: 1, jsonb_strip_nulls: 1, timezone: 2 }),
)
const TABLES = setOf('pg_aios pg_shmem_allocations_numa pg_stat_checkpointer pg_stat_io pg_wait_events')
const COLUMNS = setOf(`
  inherit_option last_idx_scan last_seq_scan n_tup_newpage_upd parallel_workers_launched relallfrozen result_types system_user
  total_analyze_time total_autoanalyze_time total_autovacuum_time total_vacuum_time`)
const SETTINGS = setOf(`
  debug_parallel_query enable_distinct_reordering enable_group_by_reordering enable_presorted_aggregate
  enable_self_join_elimination event_triggers file_copy_method file_extend_method io_combine_limit io_method io_workers
  scram_iterations transaction_timeout vacuum_buffer_usage_limit vacuum_truncate`)
/** Of COPY, EXPLAIN and VACUUM. */
const OPTIONS = setOf(`
  buffer_usage_limit generic_plan log_verbosity memory on_error only_database_stats process_main reject_limit serialize
  skip_database_stats`)

function setOf(words: string): ReadonlySet<string> {
  return new Set(words.trim().split(/\s+/))
}

type Node = Readonly<Record<string, unknown>>

const known = new Map<string, string | null>()

/**
 * What of a statement PostgreSQL 15 would refuse, or null. What is in PL/pgSQL is not read. Each
 * statement is read once.
 */
export async function newerThan15(text: string): Promise<string | null> {
  await loadModule()
  if (!known.has(text)) known.set(text, newIn(text))
  return known.get(text) ?? null
}

function newIn(text: string): string | null {
  try {
    return foundIn(parseSync(text))
  } catch (error) {
    return error instanceof Error ? error.message : String(error)
  }
}

function foundIn(node: unknown): string | null {
  if (typeof node !== 'object' || node === null) return null
  for (const [key, value] of Object.entries(node)) {
    const found = (KINDS[key]?.(value) ?? null) || foundIn(value)
    if (found !== null) return found
  }
  return null
}

/** By the name of a node of the parser: what of it is new. */
const KINDS: Readonly<Record<string, (node: Node) => string | null>> = {
  FuncCall: ({ funcname, args = [] }) => {
    const name = lastWord(funcname)
    const all = args as unknown[]
    if (FUNCTIONS.has(name) || all.length > (MOST_ARGUMENTS.get(name) ?? all.length)) return `the function ${name}`
    return name === 'set_config' ? newOf(SETTINGS, 'the setting', constantOf(all[0])) : null
  },
  RangeVar: ({ relname }) => newOf(TABLES, 'the table', relname),
  ColumnRef: ({ fields }) => newOf(COLUMNS, 'the column', lastWord(fields)),
  VariableSetStmt: ({ name }) => newOf(SETTINGS, 'the setting', name),
  setstmt: ({ name }) => newOf(SETTINGS, 'the setting', name),
  DefElem: ({ defname }) => newOf(OPTIONS, 'the option', defname),
  // Of returned rows: triggers use the same names, but in PL/pgSQL.
  returningList: (list) =>
    /"fields":\[\{"String":\{"sval":"(old|new)"/.test(JSON.stringify(list)) ? 'OLD, NEW' : null,
  TypeCast: ({ arg, typeName }) => {
    const isInterval = lastWord((typeName as Node | undefined)?.names) === 'interval'
    return isInterval && /^[+-]?infinity$/i.test(constantOf(arg)) ? 'an endless interval' : null
  },
  // The server refuses 1_000; its parser alone reads a number and a name.
  ResTarget: ({ name }) => (typeof name === 'string' && /^_\d/.test(name) ? `the number that ends in ${name}` : null),
  CreateFunctionStmt: ({ options }) => {
    const words = JSON.stringify(options)
    const [, body = ''] =
      /"defname":"as","arg":\{"List":\{"items":\[\{"String":\{"sval":("(?:[^"\\]|\\.)*")/.exec(words) ?? []
    return body !== '' && words.includes('"sval":"sql"') ? newIn(JSON.parse(body)) : null
  },
}

function newOf(added: ReadonlySet<string>, what: string, name: unknown): string | null {
  return typeof name === 'string' && added.has(name) ? `${what} ${name}` : null
}

/** The last word of a name, such as that of a function after its schema. */
function lastWord(names: unknown): string {
  const last = Array.isArray(names) ? (names.at(-1) as { String?: { sval?: string } } | undefined) : undefined
  return last?.String?.sval ?? ''
}

function constantOf(node: unknown): string {
  return (node as { A_Const?: { sval?: { sval?: string } } } | undefined)?.A_Const?.sval?.sval ?? ''
}
