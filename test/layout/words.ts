import type { SourceFile } from 'typescript/unstable/ast'
import { commentsOf, undocumentedFunctions } from './comments.ts'

/** What makes a comment hard to read, with what to write in its place. */
const hard: [RegExp, string][] = [
  [/\bdeeds?\b/i, '"deed": operation or script'],
  [/\bbesides\b/i, '"besides": also, or say what else'],
  [/\bthe law\b/i, '"the law": name the rule'],
  [/\banswer(s|ed)?\b(?! (set|file|section))/i, '"answer": returns, responds, response'],
  [/\b(tells|told|is told)\b/i, '"tells": returns, reports, says whether, sends'],
  [/\b(whom|whose making|shall|hither|thereof|wherein|lest)\b/i, 'archaic word: use plain words'],
  [/\b(somebody|everybody|anybody|nobody)\b/i, '"somebody": name the caller, client, user, process'],
  [/\bwhat (no|knows|is|was|were|has|had|comes|goes|stands|lies)\b/i, '"what is …": name the thing'],
  [/\bof ours\b|\bof theirs\b|\bis ours\b/i, '"of ours": say whose'],
  [/(^|[.:;] )(of|that|who|whose|what|to whom|such as)\b(?! is why)/i, 'a sentence begins with its subject'],
]

const widest = 120
const longestWhy = 2
const longestDocstring = 4

/** Comments of a file that break the rules for words and sizes, as `line: reason: text`. */
export function hardComments(source: SourceFile): string[] {
  return commentsOf(source).flatMap((comment) => {
    const { line, lines, width, text, isDocstring } = comment
    if (/^(biome-ignore|@ts-|<reference)/.test(text)) return []
    const reasons = hard.filter(([pattern]) => pattern.test(text)).map(([, reason]) => reason)
    if (width > widest) reasons.push(`${width} columns, at most ${widest}`)
    const most = isDocstring ? longestDocstring + 2 : longestWhy
    if (lines > most) reasons.push(`${lines} lines, at most ${most}`)
    return reasons.map((reason) => `${line}: ${reason}: ${text.slice(0, 140)}`)
  })
}

/** Exported functions of a file without a docstring, as `line: name`. */
export function withoutDocstring(source: SourceFile): string[] {
  return undocumentedFunctions(source).map(({ name, line }) => `${line}: ${name} has no docstring`)
}
