namespace Distributed.Engine.Templates;

/// <summary>What rendering may use. Templates come with model folders from anywhere, so none of them may hang or fill the memory.</summary>
public sealed record TemplateLimits
{
    /// <summary>Longest template, in characters.</summary>
    public const int LongestSource = 1 << 20;

    /// <summary>Most blocks and brackets inside each other in a template.</summary>
    public const int DeepestSource = 100;

    /// <summary>
    /// Most work: one per evaluated expression or loop round and one per four characters or items made. Sixteen for each character of the
    /// variables come on top, because every message may be looked at several times.
    /// </summary>
    public long Work { get; init; } = 2_000_000;

    /// <summary>Longest output, and longest string or list at any time, in characters or items.</summary>
    public int Output { get; init; } = 4 << 20;

    /// <summary>Most lists and maps inside each other in a value that is printed or compared.</summary>
    public int ValueDepth { get; init; } = 64;
}
