"""How the report looks, on light and on dark screens and on paper."""

from typing import Final

STYLE: Final = """
:root {
  --page: #f6f7f9; --card: #ffffff; --ink: #1c2430; --quiet: #5d6878; --line: #e1e5eb;
  --accepted: #1f8a62; --rejected: #c4423f; --uncertain: #b97a10; --latency: #4a74c9;
}
@media (prefers-color-scheme: dark) {
  :root {
    --page: #12161c; --card: #1b212a; --ink: #e6eaf0; --quiet: #98a4b5; --line: #2d3542;
    --accepted: #3fb98a; --rejected: #ef7470; --uncertain: #e2aa47; --latency: #7ba2f0;
  }
}
* { box-sizing: border-box; }
body {
  margin: 0; background: var(--page); color: var(--ink);
  font: 15px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, sans-serif;
}
main { max-width: 60rem; margin: 0 auto; padding: 2.5rem 1.25rem 4rem; }
h1 { font-size: 1.6rem; line-height: 1.25; margin: 0; display: flex; gap: .7rem; }
h2 { font-size: 1rem; margin: 0 0 .8rem; }
p { margin: .3rem 0 .8rem; }
ul { margin: 0; padding-left: 1.2rem; }
code { font: .88em ui-monospace, "Cascadia Code", Menlo, Consolas, monospace; }
li code { overflow-wrap: anywhere; }
.quiet { color: var(--quiet); }
.mark { flex: none; width: .8rem; height: .8rem; border-radius: 50%; margin-top: .6rem; }
header { margin-bottom: 1.5rem; }
header p { margin: .4rem 0 0 1.5rem; }
section {
  background: var(--card); border: 1px solid var(--line); border-radius: .6rem;
  padding: 1.1rem 1.25rem; margin-bottom: 1rem; break-inside: avoid;
}
.tiles {
  display: grid; gap: .75rem; grid-template-columns: repeat(auto-fit, minmax(8.5rem, 1fr));
  background: none; border: 0; padding: 0;
}
.tile {
  background: var(--card); border: 1px solid var(--line); border-radius: .6rem;
  padding: .8rem 1rem;
}
.tile b { display: block; font-size: 1.7rem; line-height: 1.2; font-variant-numeric: tabular-nums; }
.tile span { color: var(--quiet); font-size: .87rem; }
b.accepted { color: var(--accepted); }
b.rejected, b.dropped { color: var(--rejected); }
b.uncertain { color: var(--uncertain); }
.mark.accepted, i.accepted { background: var(--accepted); }
.mark.rejected, i.rejected, i.dropped { background: var(--rejected); }
.mark.uncertain, i.uncertain { background: var(--uncertain); }
i.latency { background: var(--latency); }
i.left { background: var(--quiet); }
svg { display: block; width: 100%; height: auto; }
svg text { fill: var(--quiet); font-size: 12px; font-variant-numeric: tabular-nums; }
svg line { stroke: var(--line); }
svg .accepted { fill: var(--accepted); }
svg .rejected { fill: var(--rejected); }
svg .uncertain { fill: var(--uncertain); }
svg g:hover { opacity: .75; }
section > p:last-child { margin-bottom: 0; }
.key { margin-right: 1.1rem; }
.key i { display: inline-block; width: .7rem; height: .7rem; border-radius: .15rem;
  margin-right: .4rem; }
.wide { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; }
th { text-align: left; font-size: .87rem; font-weight: 500; color: var(--quiet); }
th, td { padding: .45rem .8rem .45rem 0; border-top: 1px solid var(--line); vertical-align: top; }
thead th { border-top: 0; }
.number { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; }
.range { width: 9rem; white-space: nowrap; }
.bars .number { width: 5rem; }
.bar { width: 24%; min-width: 6rem; padding-right: 0; }
.bars .bar { width: auto; }
.bar i { display: block; height: .7rem; min-width: 2px; border-radius: .15rem; margin-top: .4rem; }
dl { display: grid; grid-template-columns: max-content 1fr; gap: .35rem 1.5rem; margin: 0; }
dt { color: var(--quiet); }
dd { margin: 0; overflow-wrap: anywhere; }
@media print {
  * { print-color-adjust: exact; }
}
"""
