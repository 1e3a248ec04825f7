/** Each stage keeps its colour in all plots; colour-blind readers can distinguish them in both themes. */
const colours: Record<string, [light: string, dark: string]> = {
  create: ['#2a78d6', '#3987e5'],
  available: ['#1baf7a', '#199e70'],
  attach: ['#eda100', '#c98500'],
  login: ['#e87ba4', '#d55181'],
  boot: ['#4a3aa7', '#9085e9'],
  detach: ['#008300', '#46a046'],
  delete: ['#e34948', '#e66767'],
  attached: ['#eda100', '#c98500'],
  booted: ['#4a3aa7', '#9085e9'],
}

const variables = (theme: 0 | 1): string =>
  Object.entries(colours)
    .map(([name, pair]) => `--${name}:${pair[theme]};`)
    .join('')
const classes = Object.keys(colours)
  .map((name) => `.s-${name}{--c:var(--${name})}`)
  .join('')

export const style = `
:root{color-scheme:light dark;--page:#f9f9f7;--card:#fff;--ink:#0b0b0b;--soft:#5a5954;--line:#e4e3dd;--good:#007a00;--bad:#c62f2f;${variables(0)}}
@media(prefers-color-scheme:dark){:root{--page:#0d0d0d;--card:#1a1a19;--ink:#fff;--soft:#b5b4ac;--line:#33332f;--good:#4cc04c;--bad:#ff7b7b;${variables(1)}}}
${classes}
*{box-sizing:border-box}
body{margin:0 auto;max-width:1000px;padding:32px 20px 64px;background:var(--page);color:var(--ink);font:15px/1.5 system-ui,sans-serif}
h1{font-size:26px;margin:0}h2{font-size:17px;margin:0 0 4px}header p,section>p{color:var(--soft);margin:4px 0 12px}
section{background:var(--card);border:1px solid var(--line);border-radius:10px;padding:18px 20px;margin-top:18px}
.tiles{display:grid;grid-template-columns:repeat(auto-fit,minmax(150px,1fr));gap:14px;padding:0;border:0;background:none}
.tile{background:var(--card);border:1px solid var(--line);border-radius:10px;padding:14px 16px}
.tile b{display:block;font-size:26px;font-weight:600}.tile span{color:var(--soft)}.good b{color:var(--good)}.bad b{color:var(--bad)}
table{border-collapse:collapse;width:100%;font-variant-numeric:tabular-nums}
th{text-align:left;font-weight:500}td{text-align:right}td.text{text-align:left}
thead *{color:var(--soft);font-weight:400}
th,td{padding:5px 8px;border-bottom:1px solid var(--line)}tbody tr:last-child>*{border-bottom:0}small{color:var(--soft)}
svg{display:block;width:100%;height:auto}svg text{font-size:12px;fill:var(--soft)}svg text.name{fill:var(--ink)}svg text.failed{fill:var(--bad);font-size:10px}
.grid{stroke:var(--line)}.curve{fill:none;stroke:var(--c);stroke-width:2;stroke-linejoin:round}
rect{fill:var(--c)}.dot{color:var(--c)}svg tspan.dot{fill:var(--c)}.key{margin-right:10px;white-space:nowrap}
`
