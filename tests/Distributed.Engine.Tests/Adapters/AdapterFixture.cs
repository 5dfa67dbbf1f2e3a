using Distributed.Engine.Adapters;
using Distributed.Engine.Model;

namespace Distributed.Engine.Tests.Adapters;

/// <summary>Adapters for small random models.</summary>
internal static class AdapterFixture
{
    /// <summary>Every projection, with ranks and scales that differ.</summary>
    public static LoraOptions Everywhere { get; } = new()
    {
        Rank = 3, Alpha = 5, TargetModules = LoraOptions.KnownModules, RankPattern = new Dictionary<string, int> { ["v_proj"] = 2, ["layers.1.mlp.up_proj"] = 4 },
        AlphaPattern = new Dictionary<string, double> { ["down_proj"] = 1.5 },
    };

    /// <summary>An adapter whose B is noise too, so that it changes what the model says.</summary>
    public static LowRankAdapter Noise(ModelConfig config, LoraOptions options, ulong seed)
    {
        using var weights = AdapterWeights.Random(new AdapterLayout(config, options), seed);
        var random = new GaussianStream(seed + 1);
        foreach (ref var value in weights.Span)
            value = (value * 2) + (0.2f * (float)random.Next());
        var bytes = new byte[weights.ByteCount];
        weights.CopyTo(bytes);
        return new LowRankAdapter(options, bytes);
    }
}
