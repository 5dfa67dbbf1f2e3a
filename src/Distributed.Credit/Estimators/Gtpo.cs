using System.Collections.Immutable;
using System.Runtime.InteropServices;

namespace Distributed.Credit;

/// <summary>Among which turns <c>gtpo</c> normalises.</summary>
public enum GtpoNorm
{
    /// <summary><c>joint</c>: all turns of the prompt's rollouts together.</summary>
    Joint,

    /// <summary><c>per_turn_index</c>: the rollouts' turns of the same number.</summary>
    PerTurnIndex,
}

/// <summary>Options of <c>gtpo</c>.</summary>
/// <param name="Gamma">Discount of later turn rewards, in [0, 1]; 0.9 as restated by others.</param>
/// <param name="Alpha">Most a failed rollout gets for code like the correct ones'.</param>
/// <param name="FormatReward">Reward of a turn that breaks the format; -0.1 as restated by others.</param>
/// <param name="CorrectAt">A rollout is correct if its outcome is at least this.</param>
/// <param name="ClampNegativeSimilarity">Count a negative mean similarity as 0.</param>
/// <param name="Norm">Among which turns is normalised.</param>
/// <param name="DivideByStd">False: centre only.</param>
public sealed record GtpoOptions(
    double Gamma = 0.9,
    double Alpha = 0.5,
    double FormatReward = -0.1,
    double CorrectAt = 1,
    bool ClampNegativeSimilarity = false,
    GtpoNorm Norm = GtpoNorm.Joint,
    bool DivideByStd = true);

/// <summary>
/// GTPO (2511.14846; not the other methods of that name) - A RECONSTRUCTION: the paper's body could not be read. Turn-level rewards,
/// normalised discounted
/// returns and shaping from generated code are from its abstract; the constants are second-hand; where the outcome sits and among what is
/// normalised is ours.
/// </summary>
/// <remarks>
/// r_(i,t) = format reward if the turn broke the format (a first turn that calls no tool breaks it), plus on the last turn R_i, to which
/// <see cref="CodeSimilarity"/> has been applied; return_(i,t) = sum over k >= t of gamma^(k-t) r_(i,k); A = z over the turns of the
/// prompt, population deviation.
/// Without signals there is no format reward.
/// </remarks>
public sealed class Gtpo : IAdvantageEstimator
{
    private readonly GtpoOptions _options;
    private readonly CodeSimilarity _similarity;

    /// <summary>An estimator with these options.</summary>
    /// <param name="options">Options.</param>
    /// <param name="embedder">How programs become vectors; null: hashed n-grams.</param>
    /// <exception cref="CreditException">An option is out of its range.</exception>
    public Gtpo(GtpoOptions options, ICodeEmbedder? embedder = null)
    {
        OptionRange.Between("gtpo", "gamma", options.Gamma, 0, 1);
        OptionRange.Finite("gtpo", "format_reward", options.FormatReward);
        _options = options;
        var similarity = new CodeSimilarityOptions(options.Alpha, options.CorrectAt, options.ClampNegativeSimilarity);
        _similarity = new CodeSimilarity(similarity, embedder);
    }

    /// <inheritdoc/>
    public string Name => "gtpo";

    /// <inheritdoc/>
    public BatchCredit Assign(IReadOnlyList<ScoredGroup> batch) => PerGroup.Assign(batch, Credit);

    private ImmutableArray<RolloutCredit> Credit(ScoredGroup group)
    {
        var shaped = _similarity.Shape(group);
        var returns = shaped.Rollouts.Select(Returns).ToArray();
        var turns = Array.ConvertAll(returns, values => new RewardedTurns(values, []));
        var rule = new ZScore(MethodVariant.Paper, _options.DivideByStd, Floor: 0);
        var advantages = _options.Norm == GtpoNorm.Joint
            ? TurnGroups.NormalizeTogether(turns, rule)
            : TurnGroups.NormalizeByTurn(turns, rule);
        return [.. advantages.Select(values =>
            new RolloutCredit(ImmutableCollectionsMarshal.AsImmutableArray(values), RolloutCredit.Ones(values.Length), values[^1]))];
    }

    private double[] Returns(ScoredRollout rollout)
    {
        var returns = new double[rollout.TurnCount];
        var sum = 0.0;
        for (var t = returns.Length - 1; t >= 0; t--)
        {
            var reward = t == returns.Length - 1 ? rollout.Outcome : 0;
            if (!rollout.Signals.IsEmpty && (rollout.Signals[t].Malformed || (t == 0 && !rollout.Signals[t].CalledTool)))
                reward += _options.FormatReward;
            returns[t] = sum = reward + _options.Gamma * sum;
        }

        return returns;
    }
}
