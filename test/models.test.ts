// A model on a whole service: the agent asks from its child process, which has no key.
import { expect, test } from 'vitest'
import { openFakeModel } from './fake-model/fake-model.ts'
import { run } from './process.ts'
