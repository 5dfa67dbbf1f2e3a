using System.CommandLine;

namespace Distributed.Node.Commands;

/// <summary>The options <c>--engine</c> and <c>--device</c>, as overrides of a recipe.</summary>
internal static class EngineOverrides
{
    /// <summary>Which engine.</summary>
    public static Option<string?> Name() => new("--engine") { Description = "managed, torch or auto (CUDA if there is one, else managed); the same as --set engine.name=NAME. A rollout or scorer node overrules its recipe." };

    /// <summary>Which device.</summary>
    public static Option<string?> Device() => new("--device") { Description = "cpu, cuda or cuda:N, for torch; the same as --set engine.device=DEVICE." };

    /// <summary>What was given, as overrides.</summary>
    public static IEnumerable<string> Of(string? engine, string? device)
    {
        if (engine is not null) yield return $"engine.name={engine}";
        if (device is not null || engine == "managed") yield return $"engine.device={device ?? "null"}";
    }
}
