namespace Distributed.Credit;

/// <summary>What the loss needs to know about one sequence, per trained token ("target"), all of one length n; n may be 0.</summary>
/// <param name="OldLogProbs">log p of each target under pi_old, nats.</param>
/// <param name="Advantages">Advantage of each target.</param>
/// <param name="TurnIds">Turn of each target, any integers; targets of one turn stand together.</param>
/// <param name="ClipScales">Clip scale of each target; used by the <c>turn</c> loss, where it is the same for all targets of a turn. Empty:
/// 1.</param>
/// <param name="RolloutIsWeights">Constant weight of each target's loss (<see cref="RolloutCorrection"/>). Empty: 1.</param>
/// <param name="ReferenceLogProbs">log p of each target under the reference policy; needed if <c>kl_coef</c> is above 0, else may be
/// empty.</param>
/// <param name="Kept">False for a target that is not trained on and counts nowhere (<see cref="RolloutRejection"/>). Empty: all are.</param>
public sealed record LossSequence(
    ReadOnlyMemory<double> OldLogProbs,
    ReadOnlyMemory<double> Advantages,
    ReadOnlyMemory<int> TurnIds,
    ReadOnlyMemory<double> ClipScales = default,
    ReadOnlyMemory<double> RolloutIsWeights = default,
    ReadOnlyMemory<double> ReferenceLogProbs = default,
    ReadOnlyMemory<bool> Kept = default)
{
    /// <summary>n, the number of targets.</summary>
    public int Length => OldLogProbs.Length;

    /// <summary>Spreads a rollout's credit over its tokens.</summary>
    /// <param name="oldLogProbs">log p of each target under pi_old.</param>
    /// <param name="turnIds">Turn of each target, 0 for the first turn.</param>
    /// <param name="credit">Credit by turn.</param>
    /// <param name="rolloutIsWeights">Constant weight of each target's loss, or empty.</param>
    /// <param name="referenceLogProbs">log p of each target under the reference policy, or empty.</param>
    /// <exception cref="CreditException">A turn id is not one of the credit's turns.</exception>
    public static LossSequence FromTurns(
        ReadOnlyMemory<float> oldLogProbs,
        ReadOnlyMemory<int> turnIds,
        RolloutCredit credit,
        ReadOnlyMemory<double> rolloutIsWeights = default,
        ReadOnlyMemory<double> referenceLogProbs = default)
    {
        ArgumentNullException.ThrowIfNull(credit);
        var advantages = new double[turnIds.Length];
        var scales = new double[turnIds.Length];
        for (var i = 0; i < advantages.Length; i++)
        {
            var turn = turnIds.Span[i];
            if ((uint)turn >= (uint)credit.Advantages.Length)
                throw new CreditException($"target {i} has turn id {turn}, but the rollout's credit has turns 0 to {credit.Advantages.Length - 1}");
            advantages[i] = credit.Advantages[turn];
            scales[i] = credit.ClipScales[turn];
        }

        var old = new double[oldLogProbs.Length];
        for (var i = 0; i < old.Length; i++) old[i] = oldLogProbs.Span[i];
        return new LossSequence(old, advantages, turnIds, scales, rolloutIsWeights, referenceLogProbs);
    }

    internal void Validate(int index, PolicyLossOptions options)
    {
        Require(index, Advantages.Length, "advantages");
        Require(index, TurnIds.Length, "turn ids");
        if (!ClipScales.IsEmpty) Require(index, ClipScales.Length, "clip scales");
        if (!RolloutIsWeights.IsEmpty) Require(index, RolloutIsWeights.Length, "rollout_is weights");
        if (!ReferenceLogProbs.IsEmpty) Require(index, ReferenceLogProbs.Length, "reference log-probabilities");
        else if (options.KlCoef > 0 && Length > 0)
            throw new CreditException($"sequence {index} has no reference log-probabilities, but kl_coef is above 0; compute them or set kl_coef to 0");
        if (!Kept.IsEmpty) Require(index, Kept.Length, "kept marks");
        RequireFinite(index, OldLogProbs, "old log-probability");
        RequireFinite(index, Advantages, "advantage");
        RequireFinite(index, ClipScales, "clip scale");
        RequireFinite(index, RolloutIsWeights, "rollout_is weight");
        RequireFinite(index, ReferenceLogProbs, "reference log-probability");
        var seen = new HashSet<int>();
        for (var i = 0; i < Length; i++)
        {
            if (i > 0 && TurnIds.Span[i] == TurnIds.Span[i - 1]) continue;
            if (!seen.Add(TurnIds.Span[i]))
                throw new CreditException($"sequence {index}: turn {TurnIds.Span[i]} comes back at target {i}; the targets of one turn must stand together");
        }
    }

    /// <summary>The places of the kept targets; null if all are kept.</summary>
    internal int[]? KeptPlaces()
    {
        if (Kept.IsEmpty || !Kept.Span.Contains(false)) return null;
        var places = new List<int>(Length);
        for (var i = 0; i < Length; i++)
        {
            if (Kept.Span[i]) places.Add(i);
        }

        return [.. places];
    }

    /// <summary>The same sequence with only these targets.</summary>
    internal LossSequence At(int[] places) => new(
        Pick(OldLogProbs, places), Pick(Advantages, places), Pick(TurnIds, places), Pick(ClipScales, places), Pick(RolloutIsWeights, places),
        Pick(ReferenceLogProbs, places));

    private static ReadOnlyMemory<T> Pick<T>(ReadOnlyMemory<T> values, int[] places) =>
        values.IsEmpty ? values : Array.ConvertAll(places, place => values.Span[place]);

    private void Require(int index, int length, string what)
    {
        if (length != Length) throw new CreditException($"sequence {index} has {length} {what} for {Length} old log-probabilities; give one of each per target");
    }

    private static void RequireFinite(int index, ReadOnlyMemory<double> values, string what)
    {
        for (var i = 0; i < values.Length; i++)
        {
            if (!double.IsFinite(values.Span[i]))
                throw new CreditException($"sequence {index}, target {i}: the {what} is not finite; leave the sequence out");
        }
    }
}
