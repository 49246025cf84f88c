// What the path of a file says about it.

const TEST_FOLDER =
  /(?:^|\/)(?:tests?|__tests__|__mocks__|specs?|fixtures?|testdata|test-data|testing|vectors?|mocks?|e2e|cypress|examples?|samples?)\//i
const TEST_FILE =
  /(?:[._-](?:tests?|specs?|fixtures?|mocks?|stories)\.[a-z]{1,5}|_test\.go|(?:^|\/)(?:test_|conftest)[^/]*\.py)$/i
const SAMPLE_FILE = /\.(?:example|sample|template|dist|tmpl)(?:\.[a-z]{1,5})?$/i
const DOCUMENT = /\.(?:md|mdx|markdown|rst|adoc|txt)$/i

/** Whether it is of a test, or an example: what stands there is seldom real. */
export function isTestPath(path: string): boolean {
  return TEST_FOLDER.test(path) || TEST_FILE.test(path) || SAMPLE_FILE.test(path)
}

/** Whether people read it, and no machine. */
export function isDocument(path: string): boolean {
  return DOCUMENT.test(path)
}

/** The ending of its name, such as `ts`. */
export function extensionOf(path: string): string {
  return /\.([a-z0-9]{1,10})$/i.exec(path)?.[1]?.toLowerCase() ?? ''
}
