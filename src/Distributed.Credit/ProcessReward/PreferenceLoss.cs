namespace Distributed.Credit;

/// <summary>The rollouts of a prompt as the preference loss sees them.</summary>
/// <param name="Outcomes">R of each rollout.</param>
/// <param name="LogRatios">log pi_phi(tau) - log pi_old(tau) of each, summed over its sampled tokens.</param>
public readonly record struct PreferenceGroup(ReadOnlyMemory<double> Outcomes, ReadOnlyMemory<double> LogRatios);

/// <summary>The loss of a batch's pairs and where it falls.</summary>
/// <param name="Loss">Mean over the pairs; 0 without any.</param>
/// <param name="Accuracy">Share of pairs whose better rollout has the greater log-ratio; equal ones count half. 0.5 without any.</param>
/// <param name="Pairs">Number of pairs.</param>
/// <param name="Slopes">Per group and rollout d loss / d log-ratio, which is also d loss / d log pi_phi of every token of it; 0 for a rollout in no pair.</param>
public sealed record PreferenceStep(double Loss, double Accuracy, long Pairs, double[][] Slopes);

/// <summary>
/// The trajectory-level DPO objective of the implicit process reward model (iStar 2509.19199): over pairs of a prompt's rollouts of which one
/// has the higher outcome, -log sigmoid(beta (x_better - x_worse)), x the rollout's log-ratio. All pairs of unequal outcomes, equally weighted.
/// </summary>
public static class PreferenceLoss
{
    /// <summary>The loss of a batch.</summary>
    /// <param name="groups">Its groups.</param>
    /// <param name="beta">Weight of the log-ratio.</param>
    /// <exception cref="CreditException">A group has not one log-ratio for each outcome, or a number is not finite.</exception>
    public static PreferenceStep Of(IReadOnlyList<PreferenceGroup> groups, double beta)
    {
        ArgumentNullException.ThrowIfNull(groups);
        var slopes = new double[groups.Count][];
        double loss = 0, right = 0;
        long pairs = 0;
        for (var g = 0; g < slopes.Length; g++)
        {
            var outcomes = groups[g].Outcomes.Span;
            var ratios = groups[g].LogRatios.Span;
            Require(outcomes, ratios, g);
            slopes[g] = new double[outcomes.Length];
            for (var better = 0; better < outcomes.Length; better++)
            {
                for (var worse = 0; worse < outcomes.Length; worse++)
                {
                    if (!(outcomes[better] > outcomes[worse])) continue;
                    var margin = beta * (ratios[better] - ratios[worse]);
                    var surprise = 1 / (1 + Math.Exp(margin)); // sigmoid(-margin)
                    loss += Math.Max(0, -margin) + double.LogP1(Math.Exp(-Math.Abs(margin)));
                    slopes[g][better] -= beta * surprise;
                    slopes[g][worse] += beta * surprise;
                    right += margin > 0 ? 1 : margin == 0 ? 0.5 : 0;
                    pairs++;
                }
            }
        }

        if (pairs == 0) return new PreferenceStep(0, 0.5, 0, slopes);
        foreach (var group in slopes)
        {
            for (var i = 0; i < group.Length; i++) group[i] /= pairs;
        }

        return new PreferenceStep(loss / pairs, right / pairs, pairs, slopes);
    }

    private static void Require(ReadOnlySpan<double> outcomes, ReadOnlySpan<double> ratios, int group)
    {
        if (outcomes.Length != ratios.Length) throw new CreditException($"preference group {group} has {outcomes.Length} outcomes and {ratios.Length} log-ratios; give one of each for every rollout");
        for (var i = 0; i < outcomes.Length; i++)
        {
            if (!double.IsFinite(outcomes[i]) || !double.IsFinite(ratios[i])) throw new CreditException($"preference group {group}, rollout {i} has an outcome or log-ratio that is not finite; leave it out");
        }
    }
}
