namespace Distributed.Engine.Templates;

/// <summary>str.split and str.rsplit.</summary>
internal static class PythonSplit
{
    /// <summary>The parts of a text.</summary>
    /// <param name="text">The text.</param>
    /// <param name="separator">Between parts; null for runs of white space.</param>
    /// <param name="most">Most cuts; negative for all.</param>
    /// <param name="fromRight">The cuts are counted from the end.</param>
    /// <param name="call">For complaints.</param>
    public static List<string> Split(string text, string? separator, int most, bool fromRight, MethodCall call)
    {
        if (separator is { Length: 0 })
            throw call.Rendering.Fail(call.At, "an empty separator");
        var cuts = separator is null ? WhiteSpace(text) : Separators(text, separator, fromRight);
        return separator is null ? Words(text, cuts, most, fromRight) : Parts(text, cuts, most, fromRight);
    }

    private static List<string> Parts(string text, List<(int Start, int End)> cuts, int most, bool fromRight)
    {
        if (most >= 0 && cuts.Count > most)
            cuts = fromRight ? cuts[^most..] : cuts[..most];
        var parts = new List<string>();
        var from = 0;
        foreach (var (start, end) in cuts)
        {
            parts.Add(text[from..start]);
            from = end;
        }

        parts.Add(text[from..]);
        return parts;
    }

    private static List<string> Words(string text, List<(int Start, int End)> cuts, int most, bool fromRight)
    {
        var span = text.AsSpan();
        var start = text.Length - PythonText.TrimStart(span).Length;
        var end = PythonText.TrimEnd(span).Length;
        if (start >= end)
            return [];
        cuts = [.. cuts.Where(cut => cut.Start > start && cut.End < end)];
        if (most < 0 || cuts.Count <= most)
            return Parts(text[start..end], [.. cuts.Select(cut => (cut.Start - start, cut.End - start))], -1, fromRight);
        // What is left over keeps the white space at its outer end.
        var (from, to) = fromRight ? (0, end) : (start, text.Length);
        return Parts(text[from..to], [.. cuts.Select(cut => (cut.Start - from, cut.End - from))], most, fromRight);
    }

    private static List<(int Start, int End)> Separators(string text, string separator, bool fromRight)
    {
        var cuts = new List<(int, int)>();
        if (fromRight)
        {
            for (int end = text.Length, at; end >= separator.Length && (at = text.LastIndexOf(separator, end - 1, StringComparison.Ordinal)) >= 0; end = at)
                cuts.Add((at, at + separator.Length));
            cuts.Reverse();
            return cuts;
        }

        for (int from = 0, at; (at = text.IndexOf(separator, from, StringComparison.Ordinal)) >= 0; from = at + separator.Length)
            cuts.Add((at, at + separator.Length));
        return cuts;
    }

    private static List<(int Start, int End)> WhiteSpace(string text)
    {
        var cuts = new List<(int, int)>();
        for (var at = 0; at < text.Length; at++)
        {
            if (!PythonText.IsSpace(text[at]))
                continue;
            var start = at;
            while (at < text.Length && PythonText.IsSpace(text[at]))
                at++;
            cuts.Add((start, at));
        }

        return cuts;
    }
}
