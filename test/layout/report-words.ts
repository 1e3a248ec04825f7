import { join } from 'node:path'
import { openProject } from './project.ts'
import { hardComments, withoutDocstring } from './words.ts'

const usage = `node test/layout/report-words.ts FOLDER…

Prints comments that are hard to read and exported functions without a docstring, in files below the folders.
`
const folders = process.argv.slice(2).map((folder) => folder.replace(/\/$/, ''))
if (folders.length === 0) {
  process.stderr.write(usage)
  process.exit(2)
}
const root = join(import.meta.dirname, '..', '..')
const pick = (file: string): boolean => folders.some((folder) => file === folder || file.startsWith(`${folder}/`))
let count = 0
const { files, close } = openProject(root, join(root, 'tsconfig.json'), pick)
for (const [file, source] of files)
  for (const finding of [...hardComments(source), ...(file.endsWith('.test.ts') ? [] : withoutDocstring(source))]) {
    count++
    console.log(`${file}:${finding}`)
  }
close()
console.log(`${count} findings`)
