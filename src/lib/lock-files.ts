// Files that package managers write: which versions are installed.
import { compileGlobs, PATH } from './glob.ts'

/** The lock files of the managers that are known. */
export const LOCK_FILES = [
  '**/package-lock.json',
  '**/npm-shrinkwrap.json',
  '**/yarn.lock',
  '**/pnpm-lock.yaml',
  '**/bun.{lock,lockb}',
  '**/deno.lock',
  '**/Cargo.lock',
  '**/Gemfile.lock',
  '**/composer.lock',
  '**/poetry.lock',
  '**/Pipfile.lock',
  '**/pdm.lock',
  '**/uv.lock',
  '**/go.sum',
  '**/mix.lock',
  '**/pubspec.lock',
  '**/packages.lock.json',
  '**/gradle.lockfile',
  '**/flake.lock',
  '**/.terraform.lock.hcl',
]

/** Whether a package manager writes it, also one that is not known. */
export const isLockFile = compileGlobs([...LOCK_FILES, '**/*.lock'], PATH)
