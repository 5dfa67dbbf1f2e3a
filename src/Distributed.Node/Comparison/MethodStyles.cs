namespace Distributed.Node.Comparison;

/// <summary>How a method is drawn in every chart.</summary>
/// <param name="Colour">Class of its colour.</param>
/// <param name="Dash">Its dash pattern; empty for a whole line.</param>
internal readonly record struct MethodStyle(string Colour, string Dash);

/// <summary>Colours and dashes of a comparison's methods: colours that colour-blind readers tell apart, and a method named after another (<c>x-without-y</c>) in its colour, dashed.</summary>
internal sealed class MethodStyles
{
    private const int Colours = 8;
    private static readonly string[] Dashes = ["", "7 4", "2 4", "10 3 2 3"];
    private readonly Dictionary<string, MethodStyle> styles = new(StringComparer.Ordinal);

    /// <summary>Styles of methods in their order; the reference is neither blue nor red but ink.</summary>
    public MethodStyles(IReadOnlyList<string> methods, string reference)
    {
        var families = methods.Where(method => Family(method, methods) == method && method != reference).ToList();
        Assign(methods, reference, "m0", 0);
        foreach (var family in families)
        {
            var place = families.IndexOf(family);
            Assign(methods, family, $"m{place % Colours + 1}", place / Colours);
        }
    }

    private void Assign(IReadOnlyList<string> methods, string family, string colour, int firstDash)
    {
        var members = methods.Where(method => method == family || Family(method, methods) == family).Where(method => !styles.ContainsKey(method)).ToList();
        for (var i = 0; i < members.Count; i++) styles[members[i]] = new MethodStyle(colour, Dashes[(i + firstDash) % Dashes.Length]);
    }

    /// <summary>The style of a method.</summary>
    public MethodStyle this[string method] => styles[method];

    // The shortest other method whose name this one's begins with.
    private static string Family(string method, IReadOnlyList<string> methods) =>
        methods.Where(other => method.StartsWith(other + "-", StringComparison.Ordinal)).OrderBy(other => other.Length).FirstOrDefault(method);
}
