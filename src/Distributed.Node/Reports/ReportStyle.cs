namespace Distributed.Node.Reports;

/// <summary>The page's style sheet; light or dark as the reader's system is.</summary>
internal static class ReportStyle
{
    /// <summary>Colours 1 to 6, for series in this order.</summary>
    public const int Colours = 6;

    public const string Css = """
        :root { color-scheme: light dark; --bg: #fbfbfa; --card: #fff; --ink: #1d2126; --muted: #6c747d; --grid: #e7e8e6; --zero: #b9bdbf; --rule: #e2e3e0;
          --c1: #2f6fd0; --c2: #1f9d74; --c3: #d9822b; --c4: #8a5fd0; --c5: #c9405e; --c6: #46929e; --good: #1f9d74; --bad: #c9405e; --up: #2f6fd0; --down: #d9822b; }
        @media (prefers-color-scheme: dark) { :root { --bg: #14171a; --card: #1b1f23; --ink: #e6e8ea; --muted: #949da6; --grid: #2a2f34; --zero: #566068; --rule: #2c3237;
          --c1: #6aa3f5; --c2: #4cc79c; --c3: #f0a557; --c4: #b192f0; --c5: #f0708b; --c6: #77c3cf; --good: #4cc79c; --bad: #f0708b; --up: #6aa3f5; --down: #f0a557; } }
        * { box-sizing: border-box }
        body { margin: 0; background: var(--bg); color: var(--ink); font: 15px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "DejaVu Sans", sans-serif }
        main { max-width: 1120px; margin: 0 auto; padding: 36px 24px 64px }
        h1 { font-size: 28px; line-height: 1.2; margin: 0 0 4px; letter-spacing: -.01em }
        h2 { font-size: 18px; margin: 40px 0 12px }
        h3 { font-size: 15px; margin: 22px 0 10px; color: var(--muted); font-weight: 600 }
        p { margin: 0 0 10px } .note { max-width: 80ch } .sub, .note { color: var(--muted) }
        code { font: 13px/1.4 ui-monospace, "Cascadia Code", Menlo, "DejaVu Sans Mono", monospace }
        .numbers { display: grid; grid-template-columns: repeat(auto-fit, minmax(150px, 1fr)); gap: 12px; margin: 24px 0 }
        .number { background: var(--card); border: 1px solid var(--rule); border-radius: 10px; padding: 12px 16px }
        .number b { display: block; font-size: 26px; line-height: 1.25; font-weight: 650; font-variant-numeric: tabular-nums }
        .number span { color: var(--muted); font-size: 13px }
        .charts { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(460px, 100%), 1fr)); gap: 14px }
        figure { margin: 0; background: var(--card); border: 1px solid var(--rule); border-radius: 10px; padding: 14px 14px 6px }
        figure.wide { grid-column: 1 / -1 }
        figcaption { margin: 0 4px 6px; font-size: 14px } figcaption span { color: var(--muted); margin-left: 6px }
        svg { display: block; width: 100%; height: auto } svg text { font-size: 12px; fill: var(--ink); font-variant-numeric: tabular-nums }
        svg text.muted { fill: var(--muted) } .grid { stroke: var(--grid) } .zero { stroke: var(--zero) } .ref { stroke: var(--muted); stroke-dasharray: 2 5 }
        polyline { fill: none; stroke-linejoin: round; stroke-linecap: round } .line { stroke-width: 2 } .s1.line { stroke-width: 2.75 } .raw { stroke-width: 1; opacity: .28 }
        .s1 { stroke: var(--c1) } .s2 { stroke: var(--c2) } .s3 { stroke: var(--c3) } .s4 { stroke: var(--c4) } .s5 { stroke: var(--c5) } .s6 { stroke: var(--c6) }
        .f1 { fill: var(--c1) } .f2 { fill: var(--c2) } .f3 { fill: var(--c3) } .f4 { fill: var(--c4) } .f5 { fill: var(--c5) } .f6 { fill: var(--c6) }
        svg text.t1 { fill: var(--c1) } svg text.t2 { fill: var(--c2) } svg text.t3 { fill: var(--c3) } svg text.t4 { fill: var(--c4) } svg text.t5 { fill: var(--c5) } svg text.t6 { fill: var(--c6) }
        .scroll { overflow-x: auto } table { border-collapse: collapse; font-variant-numeric: tabular-nums }
        th, td { text-align: right; padding: 5px 18px 5px 0; border-bottom: 1px solid var(--rule); white-space: nowrap }
        th { font-weight: 500; color: var(--muted) } th:first-child, td:first-child { text-align: left }
        article { background: var(--card); border: 1px solid var(--rule); border-radius: 10px; padding: 16px 18px; margin: 0 0 14px }
        article header { display: flex; flex-wrap: wrap; gap: 8px 14px; align-items: baseline; margin-bottom: 8px }
        .tag { border-radius: 99px; padding: 1px 10px; font-size: 13px; font-weight: 600; border: 1px solid currentColor } .tag.good { color: var(--good) } .tag.bad { color: var(--bad) }
        .prompt { white-space: pre-wrap; margin: 0 0 10px; overflow-wrap: anywhere }
        .turn { display: grid; grid-template-columns: 26px minmax(0, 1fr) 250px; gap: 4px 14px; padding: 10px 0; border-top: 1px solid var(--rule) }
        .turn > .n { color: var(--muted); font-variant-numeric: tabular-nums } .said, .read { white-space: pre-wrap; overflow-wrap: anywhere; margin: 0 }
        .read { color: var(--muted); margin-top: 4px } .read.error { color: var(--bad) }
        .bars { display: grid; grid-template-columns: 72px 1fr 52px; gap: 2px 8px; align-items: center; font-size: 12px; align-self: start } .bars i { font-style: normal; color: var(--muted) }
        .bars b { font-weight: 500; text-align: right; font-variant-numeric: tabular-nums }
        .bar { position: relative; height: 9px; background: linear-gradient(var(--zero), var(--zero)) center / 1px 100% no-repeat }
        .bar u { position: absolute; top: 0; height: 9px; border-radius: 2px } .bar u.up { left: 50%; background: var(--up) } .bar u.down { right: 50%; background: var(--down) }
        .bar u.gain { background: var(--good) } .bar u.loss { right: 50%; background: var(--bad) } .bar u.gain.up { left: 50% }
        @media (max-width: 720px) { .turn { grid-template-columns: 26px minmax(0, 1fr) } .bars { grid-column: 2 } }
        """;
}
