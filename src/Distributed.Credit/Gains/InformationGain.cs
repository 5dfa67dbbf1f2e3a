using System.Collections.Immutable;

namespace Distributed.Credit;

/// <summary>On which scale a gain is measured (option <c>ig.scale</c>).</summary>
public enum GainScale
{
    /// <summary><c>prob_diff</c>: difference of probabilities, the definition of IGPO (2510.14967) and A2TGPO (2605.06200).</summary>
    ProbDiff,

    /// <summary><c>log_prob_diff</c>: difference of mean log-probabilities, what both released training recipes use.</summary>
    LogProbDiff,
}

/// <summary>Which accepted answers are scored (option <c>ig.aliases</c>).</summary>
public enum AliasChoice
{
    /// <summary><c>first</c>: the canonical answer only.</summary>
    First,

    /// <summary><c>max</c>: every accepted answer; at each boundary the likeliest counts.</summary>
    Max,
}

/// <summary>Why a rollout has no gains.</summary>
public enum GainAbsence
{
    /// <summary>It has them.</summary>
    None,

    /// <summary>There is no tool turn, so there is nothing to measure.</summary>
    NoToolTurn,

    /// <summary>There is no answer to score.</summary>
    NoAnswer,

    /// <summary>A score is NaN or infinite.</summary>
    NotFinite,
}

/// <summary>The gains of one rollout.</summary>
/// <param name="Gains">One per tool turn, or null; <paramref name="Absence"/> then says why.</param>
/// <param name="Probabilities">P at each boundary that was scored, length T: [0] knows the query only, [t] everything up to tool turn t's
/// reply.</param>
/// <param name="Absence">Why there are no gains.</param>
public sealed record RolloutGains(ImmutableArray<double>? Gains, ImmutableArray<double> Probabilities, GainAbsence Absence);

/// <summary>
/// How much each tool turn raised the policy's own probability of the true answer (IGPO 2510.14967 section 3, A2TGPO 2605.06200 eq. 2-3):
/// P_t = exp(mean over the answer's tokens of log p), ig_t = P_t - P_(t-1).
/// </summary>
public static class InformationGain
{
    /// <summary>Gains from the scores of one answer.</summary>
    /// <param name="meanLogProbs">Mean log p of the answer's tokens (nats) at each boundary: [0] after the query alone, [t] after tool turn
    /// t's reply. Empty: no answer was scored.</param>
    /// <param name="scale">The scale of the gains.</param>
    public static RolloutGains FromMeanLogProbs(ReadOnlySpan<double> meanLogProbs, GainScale scale = GainScale.ProbDiff)
    {
        if (meanLogProbs.IsEmpty) return new RolloutGains(null, [], GainAbsence.NoAnswer);
        var probabilities = ImmutableArray.CreateBuilder<double>(meanLogProbs.Length);
        var finite = true;
        foreach (var score in meanLogProbs)
        {
            var probability = Math.Exp(score);
            finite &= double.IsFinite(score) && double.IsFinite(probability);
            probabilities.Add(probability);
        }

        var boundaries = probabilities.MoveToImmutable();
        if (!finite) return new RolloutGains(null, boundaries, GainAbsence.NotFinite);
        if (meanLogProbs.Length == 1) return new RolloutGains(null, boundaries, GainAbsence.NoToolTurn);
        var gains = ImmutableArray.CreateBuilder<double>(meanLogProbs.Length - 1);
        for (var t = 1; t < meanLogProbs.Length; t++)
        {
            gains.Add(scale == GainScale.ProbDiff ? boundaries[t] - boundaries[t - 1] : meanLogProbs[t] - meanLogProbs[t - 1]);
        }

        return new RolloutGains(gains.MoveToImmutable(), boundaries, GainAbsence.None);
    }

    /// <summary>Gains from the scores of every accepted answer.</summary>
    /// <param name="byAlias">Per accepted answer, canonical one first: mean log p at each boundary, all of one length.</param>
    /// <param name="choice">Which answers count.</param>
    /// <param name="scale">The scale of the gains.</param>
    /// <exception cref="CreditException">The answers were scored at different numbers of boundaries.</exception>
    public static RolloutGains FromAliases(IReadOnlyList<ReadOnlyMemory<double>> byAlias, AliasChoice choice,
        GainScale scale = GainScale.ProbDiff)
    {
        ArgumentNullException.ThrowIfNull(byAlias);
        if (byAlias.Count == 0) return new RolloutGains(null, [], GainAbsence.NoAnswer);
        if (choice == AliasChoice.First || byAlias.Count == 1) return FromMeanLogProbs(byAlias[0].Span, scale);
        var best = byAlias[0].ToArray();
        for (var a = 1; a < byAlias.Count; a++)
        {
            var scores = byAlias[a].Span;
            if (scores.Length != best.Length)
                throw new CreditException($"accepted answer {a} is scored at {scores.Length} boundaries, the first at {best.Length}; score all of them at the same boundaries");
            for (var t = 0; t < best.Length; t++)
            {
                // One broken score leaves the rollout without gains: a maximum must not hide it.
                best[t] = double.IsFinite(best[t]) && double.IsFinite(scores[t]) ? Math.Max(best[t], scores[t]) : double.NaN;
            }
        }

        return FromMeanLogProbs(best, scale);
    }
}
