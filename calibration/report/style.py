"""How a report looks: light, dark and on paper, wide and narrow."""

__all__ = ["STYLE"]

STYLE = """
:root{color-scheme:light dark;--ink:#1b1f24;--soft:#59636e;--paper:#fff;--line:#d1d9e0;--wash:#f6f8fa;--a:#0b62c4;--b:#b3541e;
--warn:#fff4d6}
@media(prefers-color-scheme:dark){:root{--ink:#e6edf3;--soft:#9aa5b1;--paper:#12161b;--line:#343c46;--wash:#1b2129;--a:#6cb0ff;--b:#f0a070;
--warn:#3d3212}}
*{box-sizing:border-box}
body{margin:0 auto;max-width:72rem;padding:1.5rem 1rem 4rem;font:16px/1.5 system-ui,sans-serif;color:var(--ink);background:var(--paper)}
h1{font-size:1.6rem;line-height:1.25;margin:0 0 .25rem}h2{font-size:1.2rem;margin:2.5rem 0 .5rem;padding-top:.75rem;
border-top:1px solid var(--line)}
h3{font-size:1rem;margin:1.5rem 0 .25rem}p{margin:.4rem 0;max-width:70ch;overflow-wrap:anywhere}
.soft,figcaption,caption{color:var(--soft);font-size:.875rem}
caption{position:sticky;left:0;max-width:min(70ch,100vw - 2rem)}
.warn,.none{padding:.5rem .75rem;border-left:4px solid var(--b);background:var(--warn);max-width:70ch}
.none{border-left-color:var(--line);background:var(--wash);color:var(--soft)}
.wide{overflow-x:auto;max-width:100%}
table{border-collapse:collapse;min-width:min(100%,36rem);margin:.5rem 0;font-variant-numeric:tabular-nums}
caption{text-align:left;padding:.25rem 0}
th,td{padding:.3rem .7rem;border-bottom:1px solid var(--line);text-align:right;vertical-align:top;white-space:nowrap}
th:first-child,td:first-child{text-align:left;white-space:normal;min-width:6.5rem}
thead th{white-space:normal;vertical-align:bottom;color:var(--soft);font-weight:600;font-size:.875rem}
td.c{min-width:3.5rem;padding:0}
td.s{background:color-mix(in srgb,var(--a) calc(var(--s)*50%),transparent)}td small{display:block;color:inherit;opacity:.8}
figure{margin:.75rem 0}figure svg{display:block;width:100%;max-width:44rem;height:auto}figure>img{display:block;max-width:100%}
dl{display:grid;grid-template-columns:auto 1fr;gap:.3rem 1rem}dt{color:var(--soft)}dd{margin:0}
.pair{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(100%,20rem),1fr));gap:1.5rem}
svg text{font:12px system-ui,sans-serif;fill:var(--soft)}.grid{stroke:var(--line);fill:none}.a{stroke:var(--a);fill:none;stroke-width:2}
.b{stroke:var(--b);fill:none;stroke-width:2}.da{fill:var(--a)}.db{fill:var(--b)}.ref{stroke:var(--soft);stroke-dasharray:4 4;fill:none}
pre{white-space:pre-wrap;overflow-wrap:anywhere;background:var(--wash);padding:.75rem;font-size:.8125rem}
.sheet{display:grid;grid-template-columns:repeat(auto-fill,minmax(9.5rem,1fr));gap:1rem}.sheet
img{width:100%;height:auto;display:block;background:#000}
@media(max-width:30rem){svg text{font-size:15px}th,td{padding:.3rem .4rem;font-size:.875rem}}
@media print{:root{--ink:#000;--soft:#444;--paper:#fff;--line:#bbb;--wash:#f4f4f4;--a:#0b62c4;--b:#b3541e;--warn:#fff}
body{max-width:none;padding:0;font-size:11px}figure,table,.sheet figure{break-inside:avoid}h2,h3{break-after:avoid}.wide{overflow:visible}
details>*{display:block}*{print-color-adjust:exact;-webkit-print-color-adjust:exact}}
"""
