// What calls of models used, in words.

/** `1200 in, 85 out`. */
export function tokensText(used: { input_tokens: number; output_tokens: number }): string {
  return `${used.input_tokens} in, ${used.output_tokens} out`
}

/** US dollars; empty where the price is not known. */
export function usdText(usd: number | null): string {
  return usd === null ? '' : `$${usd < 0.01 ? usd.toFixed(6) : usd.toFixed(4)}`
}
