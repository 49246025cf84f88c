// What Git knows of a folder: which repository of GitHub it is a clone of, and what is ignored.
import { execa } from 'execa'
import { webUrl } from '../../forges/github/web-url.ts'
import { isRepositoryName } from '../../lib/repository.ts'

const SSH = /^(?:ssh:\/\/)?(?:[\w.-]+@)?([\w.-]+)(?::\d+\/|[:/])(.+)$/

/** `owner/name` in a remote's address, if it is on the GitHub of this API; null for any other. */
export function repositoryOf(remote: string, apiUrl: string): string | null {
  const { host } = new URL(webUrl(apiUrl))
  const isHttp = /^https?:\/\//.test(remote)
  const [, at = '', path = ''] = isHttp
    ? ['', URL.canParse(remote) ? new URL(remote).host : '', URL.canParse(remote) ? new URL(remote).pathname : '']
    : (SSH.exec(remote) ?? [])
  const hosts = [host, host.replace(/:\d+$/, ''), `ssh.${host}`]
  const parts = path.split('/').filter((part) => part !== '')
  const name = parts.join('/').replace(/\.git$/, '')
  return hosts.includes(at.toLowerCase()) && isRepositoryName(name) ? name : null
}

/** The repository that `origin`, or else any other remote, is on that GitHub; null without one. */
export async function findRepository(folder: string, apiUrl: string): Promise<string | null> {
  const names = (await git(folder, ['remote'])).split('\n').filter((name) => name !== '')
  for (const name of names.sort((a, b) => Number(b === 'origin') - Number(a === 'origin'))) {
    const found = repositoryOf(await git(folder, ['remote', 'get-url', name]), apiUrl)
    if (found !== null) return found
  }
  return null
}

/** Whether Git would leave a path of the folder out by itself; not without a repository. */
export async function isIgnored(folder: string, path: string): Promise<boolean> {
  return (await git(folder, ['check-ignore', path])) !== ''
}

/** Whether a file of the folder is in the repository already, so that ignoring it does nothing. */
export async function isTracked(folder: string, path: string): Promise<boolean> {
  return (await git(folder, ['ls-files', '--', path])) !== ''
}

/** What Git prints; nothing where it fails, which here is an answer as well. */
async function git(folder: string, args: readonly string[]): Promise<string> {
  const { stdout, exitCode } = await execa('git', args, { cwd: folder, reject: false, stdin: 'ignore' })
  return exitCode === 0 ? stdout.trim() : ''
}
