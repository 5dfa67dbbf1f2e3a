namespace Distributed.Credit;

/// <summary>Whose formula a method follows where a paper and its code differ.</summary>
public enum MethodVariant
{
    /// <summary><c>paper</c>: the equations.</summary>
    Paper,

    /// <summary><c>released</c>: the published code.</summary>
    Released,
}

/// <summary>Options of <c>a2tgpo</c> (2605.06200).</summary>
/// <param name="Alpha">Weight of the process part; null: 1 for the paper, 0.3 for the released recipe.</param>
/// <param name="Gamma">Discount of later gains, in [0, 1]; 1 in the paper.</param>
/// <param name="Beta">How far the clip range may grow or shrink, in [0, 1]; 0.3 in the paper.</param>
/// <param name="IgStdFloor">
/// Gains are divided by max(std, floor), so that noise-sized gains are not blown up to 1 where nobody in the group finds the answer.
/// On the scale of the gains: 0.1 has worked for probabilities. 0: the paper's formula.
/// </param>
/// <param name="TurnGroupNorm">Normalise gains among the rollouts at the same turn; false: among all gains of the prompt, as IGPO's
/// released recipe does.</param>
/// <param name="SqrtScaling">Divide the accumulated gain by the root of the number of terms.</param>
/// <param name="AdaptiveClip">Scale the clip range by the turn's gain; false: clip scale 1.</param>
/// <param name="DivideByStd">False: centre only (of gains and outcomes).</param>
/// <param name="Variant">
/// <c>released</c> damps every z-score as (x - mean) / (sqrt(var + 1e-8) + 1e-6), and, as that code finds turns by a reward that is not 0,
/// merges a
/// turn whose gain is exactly 0 into the one after it. The rest of the released recipe is set elsewhere: <c>ig.scale: log_prob_diff</c>,
/// <c>loss_agg_mode: token-mean</c>.
/// </param>
public sealed record A2tgpoOptions(
    double? Alpha = null,
    double Gamma = 1,
    double Beta = 0.3,
    double IgStdFloor = 0,
    bool TurnGroupNorm = true,
    bool SqrtScaling = true,
    bool AdaptiveClip = true,
    bool DivideByStd = true,
    MethodVariant Variant = MethodVariant.Paper);
