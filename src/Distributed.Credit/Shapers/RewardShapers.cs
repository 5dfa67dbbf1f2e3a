namespace Distributed.Credit;

/// <summary>A shaper that can be chosen by name.</summary>
/// <param name="Name">Its name in recipes and reports.</param>
/// <param name="Source">Where it comes from.</param>
/// <param name="Options">Its options record; <see cref="OptionNames"/> gives their names.</param>
/// <param name="Create">Makes the shaper from such a record.</param>
public sealed record RewardShaperEntry(string Name, string Source, Type Options, Func<object, IRewardShaper> Create);

/// <summary>Every shaper by name.</summary>
public static class RewardShapers
{
    /// <summary>All shapers, in the order they are listed in documents.</summary>
    public static IReadOnlyList<RewardShaperEntry> All { get; } =
    [
        new("gated", "G-RA 2508.10548", typeof(GatedOptions), options => new Gated((GatedOptions)options)),
        new("min-form", "PURE 2504.15275", typeof(MinFormOptions), options => new MinForm((MinFormOptions)options)),
        new("length", "LASER and LASER-D 2505.15612", typeof(LengthBonusOptions), options => new LengthBonus((LengthBonusOptions)options)),
        new("grpo-lambda", "GRPO-lambda 2505.18086", typeof(GrpoLambdaOptions), options => new GrpoLambda((GrpoLambdaOptions)options)),
        new(
            "rank-incentive", "ConvSearch-R1 2505.15776", typeof(RankIncentiveOptions),
            options => new RankIncentive((RankIncentiveOptions)options)),
        new("tool-format", "ToolRL 2504.13958", typeof(ToolFormatOptions), options => new ToolFormat((ToolFormatOptions)options)),
        new("par", "PAR 2502.18770", typeof(ParOptions), options => new Par((ParOptions)options)),
        new(
            "code-similarity", "GTPO 2511.14846, second-hand", typeof(CodeSimilarityOptions),
            options => new CodeSimilarity((CodeSimilarityOptions)options)),
    ];

    /// <summary>A shaper from its name and options given as text.</summary>
    /// <param name="name">The shaper's name.</param>
    /// <param name="options">Values by option name; what is not given keeps its default.</param>
    /// <exception cref="CreditException">An unknown name or option, or a value that is of the wrong kind or out of range.</exception>
    public static IRewardShaper Create(string name, IReadOnlyDictionary<string, string>? options = null)
    {
        var entry = All.FirstOrDefault(entry => entry.Name == name)
            ?? throw new CreditException($"unknown shaper '{name}'; there are {string.Join(", ", All.Select(entry => entry.Name))}");
        return entry.Create(OptionNames.Bind(name, entry.Options, options ?? new Dictionary<string, string>()));
    }
}
