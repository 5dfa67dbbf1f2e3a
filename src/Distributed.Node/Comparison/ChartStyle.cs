namespace Distributed.Node.Comparison;

/// <summary>Style of a comparison's charts, the same in a page and in a file of its own; light or dark as the reader's system is.</summary>
/// <remarks>Colours after Okabe and Ito (2008), darkened for thin lines on white and lightened for dark grounds.</remarks>
internal static class ChartStyle
{
    public const string Css = """
        :root { --ground: #fff; --text: #1d2126; --quiet: #646c75; --lines: #e5e7e5; --base: #aeb3b6; --m0: #3c4147;
          --m1: #0069ab; --m2: #cc5500; --m3: #008a63; --m4: #b8528a; --m5: #a97400; --m6: #2e95d3; --m7: #7a4fc0; --m8: #8a6f5c; }
        @media (prefers-color-scheme: dark) { :root { --ground: #1b1f23; --text: #e6e8ea; --quiet: #9aa3ac; --lines: #2b3035; --base: #5c666e; --m0: #c9ced4;
          --m1: #58aef0; --m2: #ff9254; --m3: #3fd0a2; --m4: #f09cc8; --m5: #f2bd4d; --m6: #8fd3ff; --m7: #bb9cf5; --m8: #cdb3a0; } }
        svg.chart { font: 12px system-ui, -apple-system, "Segoe UI", Roboto, "DejaVu Sans", sans-serif; font-variant-numeric: tabular-nums; background: var(--ground) }
        .chart text { fill: var(--text); font-size: 12px } .chart text.title { font-weight: 650; font-size: 14px } .chart text.quiet { fill: var(--quiet) } .chart text.own { fill: currentColor }
        .chart .rule { stroke: var(--lines) } .chart .base { stroke: var(--base) } .chart .lead { stroke: var(--base); stroke-width: .75; fill: none }
        .chart .curve { fill: none; stroke: currentColor; stroke-width: 2; stroke-linejoin: round; stroke-linecap: round } .chart .faint { stroke: var(--base); stroke-width: 1; opacity: .55; fill: none }
        .chart .band { fill: currentColor; stroke: none; opacity: .16 } .chart .dot { fill: currentColor } .chart .seed { fill: currentColor; opacity: .38 } .chart .truth { stroke: var(--text); stroke-width: 2 } .chart .reach { stroke: currentColor; stroke-width: 3; opacity: .3 } .chart .bar { stroke: currentColor; stroke-width: 2.5; stroke-linecap: round }
        .chart .m0 { color: var(--m0) } .chart .m1 { color: var(--m1) } .chart .m2 { color: var(--m2) } .chart .m3 { color: var(--m3) } .chart .m4 { color: var(--m4) }
        .chart .m5 { color: var(--m5) } .chart .m6 { color: var(--m6) } .chart .m7 { color: var(--m7) } .chart .m8 { color: var(--m8) }
        """;
}
