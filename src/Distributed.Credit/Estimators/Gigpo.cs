using System.Collections.Immutable;
using System.Runtime.InteropServices;

namespace Distributed.Credit;

/// <summary>Options of <c>gigpo</c> (2505.10978).</summary>
/// <param name="StepAdvantageW">Weight omega of the step part; verl-agent: 1.</param>
/// <param name="Gamma">Discount of later step rewards, in [0, 1]; verl-agent: 0.95.</param>
/// <param name="DivideByStd">Mode mean_std_norm (the trainer's default); false is mean_norm.</param>
/// <param name="ComputeMeanStdCrossSteps">Episode statistics over all turns of the prompt, so that long rollouts count more (as the code
/// does); false: over rollouts.</param>
/// <param name="UseGains">Step reward of a tool turn: its gain; false: 0. The final turn's is the outcome, and a rollout's reward is the
/// sum.</param>
/// <param name="Epsilon">Added to deviations.</param>
/// <param name="SingletonGroup">What a prompt with a single turn in all gets.</param>
public sealed record GigpoOptions(
    double StepAdvantageW = 1,
    double Gamma = 0.95,
    bool DivideByStd = true,
    bool ComputeMeanStdCrossSteps = true,
    bool UseGains = false,
    double Epsilon = 1e-6,
    SingletonGroup SingletonGroup = SingletonGroup.Zero);

/// <summary>
/// GiGPO (2505.10978, as verl-agent has it): A = A_episode + omega A_step. A_episode compares the rollouts' rewards; A_step compares the
/// discounted
/// returns of turns that started from the same observation (<see cref="TurnSignals.Anchor"/>). A turn whose anchor is alone, or that has
/// none, has A_step = 0.
/// </summary>
public sealed class Gigpo : IAdvantageEstimator
{
    private readonly GigpoOptions _options;

    /// <summary>An estimator with these options.</summary>
    /// <exception cref="CreditException">An option is out of its range.</exception>
    public Gigpo(GigpoOptions options)
    {
        _options = options;
        OptionRange.AtLeast("gigpo", "step_advantage_w", options.StepAdvantageW, 0);
        OptionRange.Between("gigpo", "gamma", options.Gamma, 0, 1);
        OptionRange.AtLeast("gigpo", "epsilon", options.Epsilon, 0);
    }

    /// <inheritdoc/>
    public string Name => "gigpo";

    /// <inheritdoc/>
    public BatchCredit Assign(IReadOnlyList<ScoredGroup> batch) => PerGroup.Assign(batch, Credit);

    private ImmutableArray<RolloutCredit> Credit(ScoredGroup group)
    {
        var returns = new double[group.Rollouts.Length][];
        var totals = new double[group.Rollouts.Length];
        for (var i = 0; i < returns.Length; i++) (returns[i], totals[i]) = Returns(group.Rollouts[i]);
        var compared = _options.ComputeMeanStdCrossSteps ? [.. EveryTurn(returns, totals)] : totals;
        var (episodeMean, episodeDivisor) = Compare(compared, alone: _options.SingletonGroup);
        var byAnchor = AnchorGroups(group, returns);

        var credits = ImmutableArray.CreateBuilder<RolloutCredit>(returns.Length);
        for (var i = 0; i < returns.Length; i++)
        {
            var episode = (totals[i] - episodeMean) / episodeDivisor;
            var advantages = new double[returns[i].Length];
            for (var t = 0; t < advantages.Length; t++)
            {
                var step = 0.0;
                if (Anchor(group.Rollouts[i], t) is { } anchor) step = (returns[i][t] - byAnchor[anchor].Mean) / byAnchor[anchor].Divisor;
                advantages[t] = episode + _options.StepAdvantageW * step;
            }

            credits.Add(new RolloutCredit(
                ImmutableCollectionsMarshal.AsImmutableArray(advantages), RolloutCredit.Ones(advantages.Length), episode));
        }

        return credits.MoveToImmutable();
    }

    private (double[] Returns, double Total) Returns(ScoredRollout rollout)
    {
        var returns = new double[rollout.TurnCount];
        var useGains = _options.UseGains && rollout.HasGains;
        var total = rollout.Outcome;
        var sum = returns[^1] = rollout.Outcome;
        for (var t = rollout.ToolTurnCount - 1; t >= 0; t--)
        {
            var reward = useGains ? rollout.Gains!.Value[t] : 0;
            total += reward;
            returns[t] = sum = reward + _options.Gamma * sum;
        }

        return (returns, total);
    }

    private Dictionary<string, (double Mean, double Divisor)> AnchorGroups(ScoredGroup group, double[][] returns)
    {
        var members = new Dictionary<string, List<double>>(StringComparer.Ordinal);
        for (var i = 0; i < returns.Length; i++)
        {
            for (var t = 0; t < returns[i].Length; t++)
            {
                if (Anchor(group.Rollouts[i], t) is not { } anchor) continue;
                if (!members.TryGetValue(anchor, out var list)) members[anchor] = list = [];
                list.Add(returns[i][t]);
            }
        }

        return members.ToDictionary(
            entry => entry.Key, entry => Compare(CollectionsMarshal.AsSpan(entry.Value), SingletonGroup.Zero), StringComparer.Ordinal);
    }

    private (double Mean, double Divisor) Compare(ReadOnlySpan<double> values, SingletonGroup alone)
    {
        if (values.Length == 1 && alone == SingletonGroup.Raw) return (0, _options.DivideByStd ? 1 + _options.Epsilon : 1);
        var moments = Moments.Of(values);
        if (moments.AllEqual) return (moments.Mean, double.PositiveInfinity);
        return (moments.Mean, _options.DivideByStd ? moments.SampleStd + _options.Epsilon : 1);
    }

    private static IEnumerable<double> EveryTurn(double[][] returns, double[] totals) =>
        returns.SelectMany((turns, i) => Enumerable.Repeat(totals[i], turns.Length));

    private static string? Anchor(ScoredRollout rollout, int turn) => rollout.Signals.IsEmpty ? null : rollout.Signals[turn].Anchor;
}
