namespace Distributed.Credit;

/// <summary>Options of <c>tool-format</c>.</summary>
/// <param name="Weight">Multiplies the reward.</param>
/// <param name="Into">Where the reward goes; into the outcome goes the sum over the rollout's turns.</param>
public sealed record ToolFormatOptions(double Weight = 1, ShapedReward Into = ShapedReward.Turns);

/// <summary>
/// Graded tool-call reward of ToolRL (2504.13958): format, 1 if well-formed, plus correctness in [-3, 3] by tool names, argument names and
/// argument values: 6 (names + parameters + values) / (1 + calls + arguments expected) - 3.
/// </summary>
/// <remarks>
/// names = |N_P and N_G| / |N_P or N_G| of the sets of tool names; for each expected call its counterpart adds |keys in both| / |keys in
/// either| and 1 for each
/// argument of equal value. Counterparts are the assignment of calls of the same tool that scores best (ours; at most the first 64 calls of
/// each side);
/// two empty sets agree fully. Turns without <see cref="TurnSignals.ToolCalls"/> get nothing.
/// </remarks>
public sealed class ToolFormat : IRewardShaper
{
    private const int MostCalls = 64;

    private readonly ToolFormatOptions _options;

    /// <summary>A shaper with these options.</summary>
    /// <exception cref="CreditException">An option is out of its range.</exception>
    public ToolFormat(ToolFormatOptions options)
    {
        OptionRange.AtLeast("tool-format", "weight", options.Weight, 0);
        _options = options;
    }

    /// <inheritdoc/>
    public string Name => "tool-format";

    /// <inheritdoc/>
    public ScoredGroup Shape(ScoredGroup group)
    {
        ArgumentNullException.ThrowIfNull(group);
        return _options.Into == ShapedReward.Turns
            ? TurnBonus.IntoTurns(group, Weighted)
            : TurnBonus.IntoOutcome(group, signals => signals.Sum(Weighted));
    }

    /// <summary>The reward of one turn's calls, from -3 to 4.</summary>
    /// <param name="match">The calls and what was expected.</param>
    public static double Reward(ToolCallMatch match)
    {
        ArgumentNullException.ThrowIfNull(match);
        var predicted = match.Predicted.Take(MostCalls).ToArray();
        var expected = match.Expected.Take(MostCalls).ToArray();
        var names = Overlap(match.Predicted.Select(call => call.Tool), match.Expected.Select(call => call.Tool));
        var scores = new double[expected.Length, predicted.Length];
        for (var e = 0; e < expected.Length; e++)
        {
            for (var p = 0; p < predicted.Length; p++) scores[e, p] = Compare(expected[e], predicted[p]);
        }

        var most = 1.0 + match.Expected.Count + match.Expected.Sum(call => call.Arguments.Count);
        return (match.WellFormed ? 1 : 0) + 6 * (names + BestAssignment.Score(scores)) / most - 3;
    }

    private double Weighted(TurnSignals turn) => turn.ToolCalls is { } match ? _options.Weight * Reward(match) : 0;

    private static double Compare(ToolCall expected, ToolCall predicted)
    {
        if (expected.Tool != predicted.Tool) return 0;
        var values = expected.Arguments
            .Count(argument => predicted.Arguments.TryGetValue(argument.Key, out var value) && value == argument.Value);
        return Overlap(expected.Arguments.Keys, predicted.Arguments.Keys) + values;
    }

    private static double Overlap(IEnumerable<string> a, IEnumerable<string> b)
    {
        var (left, right) = (a.ToHashSet(StringComparer.Ordinal), b.ToHashSet(StringComparer.Ordinal));
        var either = left.Union(right, StringComparer.Ordinal).Count();
        return either == 0 ? 1 : left.Count(right.Contains) / (double)either;
    }
}
