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
    /// <param name="role">learner, rollout or scorer.</param>
    public static EngineChoice Of(EngineSection section, string role)
    {
        var (name, device) = Split(role switch { "rollout" => section.Rollout, "scorer" => section.Scorer, _ => section.Learner } ?? section.Name);
        return name == "torch" ? new EngineChoice(name, device ?? section.Device, section.Dtype ?? "float32", section.PassTokens ?? 0) : Managed;
    }

    /// <summary>What a worker's own command line makes of its recipe's choice.</summary>
    /// <param name="engine">managed, torch or auto; null: as the recipe says.</param>
    /// <param name="device">A device for torch; null: as the recipe says.</param>
    /// <exception cref="RefusedException">The engine has no device, or there is none of that name.</exception>
    public EngineChoice With(string? engine, string? device)
    {
        var name = engine == "auto" ? TorchEngines.HasCuda ? "torch" : "managed" : engine ?? Name;
        if (name is not ("managed" or "torch"))
            throw new RefusedException($"--engine is '{engine}'; write managed, torch or auto");
        if (name == "managed")
            return device is null || engine == "auto" ? Managed : throw new RefusedException("--device is for torch; give --engine torch as well, or leave it out");
        return this with { Name = name, Device = device ?? Device };
    }

    /// <summary>What is wrong with a role's choice, or null.</summary>
    public static string? Complaint(string own) =>
        Split(own) is ("managed", null) or ("torch", null) || Split(own) is ("torch", { } device) && IsDevice(device) ? null
            : $"is '{own}'; write managed, torch or torch@DEVICE, for example torch@cuda:1";

    /// <summary>Whether it is the name of a device; there may be none such on this machine.</summary>
    public static bool IsDevice(string name) =>
        name is "cpu" or "cuda" || name.StartsWith("cuda:", StringComparison.Ordinal) && int.TryParse(name.AsSpan(5), System.Globalization.NumberStyles.None, System.Globalization.CultureInfo.InvariantCulture, out _);

    private static (string Name, string? Device) Split(string own)
    {
        var at = own.IndexOf('@', StringComparison.Ordinal);
        return at < 0 ? (own, null) : (own[..at], own[(at + 1)..]);
    }
}
