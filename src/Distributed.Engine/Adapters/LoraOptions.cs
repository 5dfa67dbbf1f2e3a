using Distributed.Engine.Model;

namespace Distributed.Engine.Adapters;

/// <summary>
/// A low-rank adapter: beside a frozen matrix W [out, in] stand A [rank, in] and B [out, rank], and y = W x + scale B A x (Hu et al. 2021,
/// 2106.09685). The names are those of PEFT's adapter_config.json.
/// </summary>
public sealed record LoraOptions
{
    /// <summary>The projections that can be adapted: q_proj, k_proj, v_proj, o_proj, gate_proj, up_proj, down_proj.</summary>
    public static IReadOnlyList<string> KnownModules { get; } = [.. Projections.All.Select(projection => projection.ModuleName().Split('.')[1])];

    /// <summary>Rank r.</summary>
    public int Rank { get; init; } = 8;

    /// <summary>The scale is alpha / r.</summary>
    public double Alpha { get; init; } = 16;

    /// <summary>The scale is alpha / sqrt(r) instead (Kalajdzievski 2023, 2312.03732).</summary>
    public bool RankStabilized { get; init; }

    /// <summary>Modules that are adapted: a name, the end of a dotted name, or the whole of it (model.layers.0.self_attn.q_proj).</summary>
    public IReadOnlyList<string> TargetModules { get; init; } = ["q_proj", "v_proj"];

    /// <summary>Layers that are adapted; null adapts all.</summary>
    public IReadOnlyList<int>? Layers { get; init; }

    /// <summary>Other ranks for modules whose dotted name ends with the key.</summary>
    public IReadOnlyDictionary<string, int> RankPattern { get; init; } = new Dictionary<string, int>();

    /// <summary>Other alphas for modules whose dotted name ends with the key.</summary>
    public IReadOnlyDictionary<string, double> AlphaPattern { get; init; } = new Dictionary<string, double>();

    /// <summary>What is wrong with the options for a model, or null.</summary>
    public string? Complaint(ModelConfig config)
    {
        if (TargetModules.Count == 0)
            return $"target_modules is empty; name some of {string.Join(", ", KnownModules)}";
        var modules = AdapterLayout.Modules(config).ToArray();
        foreach (var target in TargetModules)
            if (!modules.Any(module => Matches(module.Name, target)))
                return $"target_modules has '{Formats.SafetensorsHeader.Short(target)}', which the model does not have; the engine adapts {string.Join(", ", KnownModules)}";
        foreach (var rank in RankPattern.Values.Append(Rank))
            if (rank is < 1 or > 1024)
                return $"r is {rank}; it must lie between 1 and 1024";
        foreach (var alpha in AlphaPattern.Values.Append(Alpha))
            if (!(Math.Abs(alpha) is > 0 and < 1e6))
                return "lora_alpha must be a number that is not 0, less than 1e6";
        foreach (var layer in Layers ?? [])
            if (layer < 0 || layer >= config.Layers)
                return $"layers_to_transform has {layer}; the model's layers are 0 to {config.Layers - 1}";
        return Layers is { Count: 0 } ? "layers_to_transform is empty; leave it out to adapt all layers" : null;
    }

    /// <summary>Whether a dotted name is, or ends with, a target.</summary>
    internal static bool Matches(string name, string target) =>
        name == target || (name.Length > target.Length && name.EndsWith(target, StringComparison.Ordinal) && name[^(target.Length + 1)] == '.');

    internal int RankOf(string name) => RankPattern.FirstOrDefault(pair => Matches(name, pair.Key)) is { Key: not null } found ? found.Value : Rank;

    internal double ScaleOf(string name)
    {
        var alpha = AlphaPattern.FirstOrDefault(pair => Matches(name, pair.Key)) is { Key: not null } found ? found.Value : Alpha;
        return RankStabilized ? alpha / Math.Sqrt(RankOf(name)) : alpha / RankOf(name);
    }
}
