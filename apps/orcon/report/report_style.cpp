#include "apps/orcon/report/report_page.hpp"

namespace orcon::report {

// The colours of states stay apart for every kind of colour vision (they differ
// in brightness as well), and each comes with an icon or a word. Times are a
// scale of one hue. Nothing is loaded: fonts are the reader's own.
const char* const style = R"css(
:root{color-scheme:light dark;--page:#f6f7f8;--card:#fff;--ink:#1a1f26;--dim:#59636f;
--line:#dfe3e8;--grid:#e8ebef;--code:#f0f2f5;--link:#0b5cad;
--succeeded:#1a936f;--failed:#d1450b;--cancelled:#9c4f96;--running:#1f78c8;--retrying:#e3a008;--pending:#c3cad2;
--h0:#dbe9f6;--h1:#b7d3ec;--h2:#85b6de;--h3:#5395ca;--h4:#2b72b0;--h5:#124f8c;--h6:#082c5c;--none:#eceff2}
@media(prefers-color-scheme:dark){:root{--page:#101418;--card:#181d23;--ink:#e7eaee;--dim:#9aa5b1;
--line:#2b333c;--grid:#252c34;--code:#222931;--link:#74b4f5;
--succeeded:#2fb78c;--failed:#f5743a;--cancelled:#c783c1;--running:#58a9f2;--retrying:#f2bd3f;--pending:#4d5864;
--h0:#16304d;--h1:#1d4672;--h2:#2a639e;--h3:#4585c4;--h4:#74a9dd;--h5:#a9ccee;--h6:#e0effc;--none:#222931}}
*{box-sizing:border-box}
body{margin:0;background:var(--page);color:var(--ink);font:15px/1.5 system-ui,-apple-system,"Segoe UI",Roboto,"Noto Sans","DejaVu Sans",sans-serif}
main,header,footer,nav{max-width:1120px;margin:0 auto;padding:0 20px}
h1{font-size:26px;line-height:1.25;margin:6px 0 4px;overflow-wrap:anywhere}
h2{font-size:19px;margin:0 0 4px}h3{font-size:15px;margin:24px 0 2px}
p{margin:0 0 10px;max-width:78ch}.dim,figcaption,caption,.note{color:var(--dim)}
time{white-space:nowrap}a{color:var(--link)}bdi{overflow-wrap:anywhere}
header{padding-top:28px}header .what{letter-spacing:.04em;color:var(--dim);font-size:13px}
header .facts{color:var(--dim);margin:0;max-width:none}header .facts b{color:var(--ink);font-weight:500}
.state{font-size:15px;font-weight:600;margin:8px 0}
nav{display:flex;flex-wrap:wrap;gap:4px 18px;padding-top:12px;padding-bottom:12px;font-size:14px}
section{background:var(--card);border:1px solid var(--line);border-radius:12px;padding:20px 22px;margin:0 0 18px}
.cards{display:grid;grid-template-columns:repeat(auto-fit,minmax(116px,1fr));gap:14px 16px;margin:14px 0 18px}
.cards div{border-left:3px solid var(--line);padding-left:11px}
.cards dt{color:var(--dim);font-size:13px}.cards dd{margin:0;font-size:22px;font-weight:600;line-height:1.25;font-variant-numeric:tabular-nums;overflow-wrap:anywhere}
.cards small{display:block;font-size:13px;font-weight:400;color:var(--dim)}
.icon{width:1em;height:1em;flex:none;vertical-align:-.13em;margin-right:.4em}
.badge{white-space:nowrap}.defs{position:absolute}
.k{fill:none;stroke:var(--card);stroke-width:2;stroke-linecap:round;stroke-linejoin:round}.s{fill:var(--card)}
.succeeded{fill:var(--succeeded)}.failed{fill:var(--failed)}.cancelled{fill:var(--cancelled)}
.running{fill:var(--running)}.retrying{fill:var(--retrying)}.pending{fill:var(--pending)}.lost{fill:var(--cancelled)}
.uncreated{fill:var(--none)}
.strip{display:flex;height:16px;border-radius:8px;overflow:hidden;background:var(--none);gap:2px}
.strip i{display:block;min-width:3px}
i.succeeded{background:var(--succeeded)}i.failed{background:var(--failed)}i.cancelled{background:var(--cancelled)}
i.running{background:var(--running)}i.retrying{background:var(--retrying)}i.pending{background:var(--pending)}i.uncreated{background:none}
.legend{display:flex;flex-wrap:wrap;gap:4px 18px;list-style:none;margin:10px 0 0;padding:0;font-size:14px}
.swatch.uncreated{border:1px solid var(--dim)}.legend .swatch{display:inline-block;width:22px;height:11px;border-radius:2px;margin-right:7px}
figure{margin:16px 0 26px}figcaption{margin-bottom:10px;font-size:14px;max-width:82ch}figcaption b{display:block;color:var(--ink);font-size:15px}
.plot{display:grid;grid-template-columns:auto 1fr;column-gap:8px}
.plot .y{position:relative;text-align:right;font-size:12px;color:var(--dim);font-variant-numeric:tabular-nums}
.plot .y span{display:block;height:0;visibility:hidden}
.plot .y b{position:absolute;right:0;transform:translateY(50%);font-weight:400;line-height:1;white-space:nowrap}
.plot .x{grid-column:2;position:relative;height:20px;font-size:12px;color:var(--dim);font-variant-numeric:tabular-nums}
.plot .x b{position:absolute;transform:translateX(-50%);font-weight:400;white-space:nowrap;top:4px}.plot .x b:first-child{transform:none}
.plot .x b.end{transform:translateX(-100%)}
.plot svg{display:block;width:100%;height:100%;border-bottom:1px solid var(--dim)}
.tall{height:230px}.low{height:130px}
.grid{stroke:var(--grid);stroke-width:1;fill:none}.mean{fill:var(--running);opacity:.55}.peak{fill:none;stroke:var(--running);stroke-width:1.5}
.hover{fill:transparent}.hover:hover{fill:var(--ink);fill-opacity:.1}
.scroll{overflow-x:auto;margin:8px -22px 0;padding:0 22px}.scroll:focus-visible,a:focus-visible,summary:focus-visible{outline:2px solid var(--link);outline-offset:2px}
table{border-collapse:collapse;width:100%;font-variant-numeric:tabular-nums}
caption{text-align:left;font-size:14px;padding-bottom:8px}
th,td{text-align:left;padding:6px 14px 6px 0;border-bottom:1px solid var(--line);vertical-align:top}
th{font-weight:600;font-size:13px;color:var(--dim);white-space:nowrap}tbody th{min-width:6.5em;font-weight:400;color:var(--ink);font-size:inherit;white-space:normal}
tr:last-child>td,tr:last-child>th{border-bottom:0}td:last-child,th:last-child{padding-right:0}
.n{text-align:right;white-space:nowrap;width:1%}.t{white-space:nowrap}.wide{width:40%;min-width:150px}.text{min-width:200px}
.bar{display:block;height:11px;margin-top:6px;border-radius:2px;background:var(--running);min-width:2px}
.bar.failed{background:var(--failed)}.bar.succeeded{background:var(--succeeded)}.bar.retrying{background:var(--retrying)}
.gantt td,.gantt tbody th{padding-top:3px;padding-bottom:3px;vertical-align:middle}.gantt .track{width:56%;min-width:210px}
.gantt .track svg{display:block;width:100%;height:20px;overflow:visible}.gantt .axis b{font-weight:400}
.gantt .x{position:relative;height:16px;font-size:12px}.gantt .x b{position:absolute;transform:translateX(-50%);font-weight:400;white-space:nowrap}.gantt .x b:first-child{transform:none}.gantt .x b.end{transform:translateX(-100%)}
.life{stroke:var(--pending);stroke-width:2}.wait{stroke:var(--retrying);stroke-width:3;stroke-dasharray:3 3}
.open{fill:var(--running);stroke:var(--running);fill-opacity:.45}.mark{stroke:var(--card);stroke-width:1.6;fill:none}
.maps{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(100%,420px),1fr));gap:8px 34px}.maps figure{margin:8px 0 12px}
.maps svg{display:block;width:100%;height:auto}
.h0{fill:var(--h0)}.h1{fill:var(--h1)}.h2{fill:var(--h2)}.h3{fill:var(--h3)}.h4{fill:var(--h4)}.h5{fill:var(--h5)}.h6{fill:var(--h6)}.hn{fill:var(--none)}
i.h0{background:var(--h0)}i.h1{background:var(--h1)}i.h2{background:var(--h2)}i.h3{background:var(--h3)}i.h4{background:var(--h4)}i.h5{background:var(--h5)}i.h6{background:var(--h6)}i.hn{background:var(--none)}
i.retrying.swatch{background:var(--retrying)}
code,pre{font:13px/1.5 ui-monospace,SFMono-Regular,Menlo,Consolas,"DejaVu Sans Mono",monospace}
.command,pre{display:block;background:var(--code);border-radius:7px;padding:8px 12px;margin:6px 0;overflow-x:auto;white-space:pre;user-select:all}
pre{user-select:auto;max-height:320px}
details{margin:10px 0}summary{cursor:pointer;color:var(--link);width:max-content;max-width:100%;font-size:14px}
.pairs{display:grid;grid-template-columns:max-content minmax(0,1fr);gap:3px 20px;margin:8px 0}.pairs dt{color:var(--dim)}.pairs dd{margin:0;overflow-wrap:anywhere}
footer{color:var(--dim);font-size:13px;padding-bottom:36px}
@media(max-width:640px){.wide{min-width:64px}th,td{padding-right:10px}.gantt tbody th{min-width:0}main,header,footer,nav{padding-left:12px;padding-right:12px}section{padding:16px 14px;border-radius:10px}.scroll{margin:8px -14px 0;padding:0 14px}
.plot .x b:nth-child(even):not(.end),.gantt .x b:nth-child(even):not(.end){display:none}.cards{gap:12px 14px;grid-template-columns:repeat(auto-fit,minmax(120px,1fr))}.cards dd{font-size:19px}h1{font-size:22px}
.pairs{grid-template-columns:minmax(0,1fr);gap:0}.pairs dd{margin-bottom:8px}.tall{height:190px}
.gantt thead{display:none}.gantt tr{display:grid;grid-template-columns:1fr auto auto;gap:0 10px;border-bottom:1px solid var(--line);padding:6px 0}.gantt td,.gantt tbody th{border:0;padding:1px 0}.gantt .track{grid-column:1/-1;grid-row:2;width:auto}.gantt .axis td:not(.track),.gantt .axis th{display:none}}
@media print{body{background:#fff}section{break-inside:avoid;border-color:#ccc}nav{display:none}}
)css";

} // namespace orcon::report
