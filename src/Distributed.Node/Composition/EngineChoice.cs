using Distributed.Node.Recipes;

namespace Distributed.Node.Composition;

/// <summary>The engine of one role.</summary>
/// <param name="Name"><c>managed</c> or <c>torch</c>.</param>
/// <param name="Device">Where torch computes; null lets it choose.</param>
/// <param name="Dtype">In what numbers torch computes.</param>
/// <param name="PassTokens">Most tokens of a pass of torch; 0 lets it choose.</param>
internal sealed record EngineChoice(string Name, string? Device = null, string Dtype = "float32", int PassTokens = 0)
{
    /// <summary>The engine that needs nothing.</summary>
    public static EngineChoice Managed { get; } = new("managed");

    /// <summary>What a recipe's section says for a role.</summary>
    /// <param name="section">The section; its name is no longer <c>auto</c>.</param>
    /// <param name="own">The role's own choice, or null.</param>
    public static EngineChoice Of(EngineSection section, string? own)
    {
        var (name, device) = Split(own ?? section.Name);
        return name == "torch" ? new EngineChoice(name, device ?? section.Device, section.Dtype ?? "float32", section.PassTokens ?? 0) : Managed;
    }

    /// <summary>What is wrong with a role's choice, or null.</summary>
    public static string? Complaint(string own) =>
        Split(own) is ("managed", null) or ("torch", _) ? null : $"is '{own}'; write managed, torch or torch@DEVICE, for example torch@cuda:1";

    private static (string Name, string? Device) Split(string own)
    {
        var at = own.IndexOf('@', StringComparison.Ordinal);
        return at < 0 ? (own, null) : (own[..at], own[(at + 1)..]);
    }
}
