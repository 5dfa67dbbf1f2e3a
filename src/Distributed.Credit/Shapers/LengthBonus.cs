namespace Distributed.Credit;

/// <summary>Options of <c>length</c>.</summary>
/// <param name="Alpha">The bonus.</param>
/// <param name="TargetTokens">Most sampled tokens of a rollout that gets it.</param>
/// <param name="EasyTargetTokens">The same for easy prompts; null: as the others (then this is LASER, else in the manner of
/// LASER-D).</param>
/// <param name="HardTargetTokens">The same for hard prompts; null: as the others.</param>
/// <param name="EasyAt">A prompt is easy if at least this share of its rollouts is correct.</param>
/// <param name="HardBelow">A prompt is hard if less than this share is correct.</param>
/// <param name="CorrectAt">A rollout is correct if its outcome is at least this.</param>
public sealed record LengthBonusOptions(
    double Alpha = 0.5,
    int TargetTokens = 1024,
    int? EasyTargetTokens = null,
    int? HardTargetTokens = null,
    double EasyAt = 2.0 / 3,
    double HardBelow = 1.0 / 3,
    double CorrectAt = 1);

/// <summary>
/// LASER (2505.15612): a correct rollout of at most the target length gets a fixed bonus, R + alpha. With targets by difficulty it is in
/// the manner of LASER-D;
/// that paper also adapts the targets while training, which is the caller's to do.
/// </summary>
public sealed class LengthBonus : IRewardShaper
{
    private readonly LengthBonusOptions _options;

    /// <summary>A shaper with these options.</summary>
    /// <exception cref="CreditException">An option is out of its range.</exception>
    public LengthBonus(LengthBonusOptions options)
    {
        OptionRange.AtLeast("length", "alpha", options.Alpha, 0);
        OptionRange.AtLeast("length", "target_tokens", options.TargetTokens, 0);
        OptionRange.AtLeast("length", "easy_target_tokens", options.EasyTargetTokens ?? 0, 0);
        OptionRange.AtLeast("length", "hard_target_tokens", options.HardTargetTokens ?? 0, 0);
        OptionRange.Between("length", "easy_at", options.EasyAt, 0, 1);
        OptionRange.Between("length", "hard_below", options.HardBelow, 0, options.EasyAt);
        OptionRange.Finite("length", "correct_at", options.CorrectAt);
        _options = options;
    }

    /// <inheritdoc/>
    public string Name => "length";

    /// <inheritdoc/>
    public ScoredGroup Shape(ScoredGroup group)
    {
        ArgumentNullException.ThrowIfNull(group);
        var share = group.Rollouts.Count(IsCorrect) / (double)group.Rollouts.Length;
        var target =
            share >= _options.EasyAt ? _options.EasyTargetTokens ?? _options.TargetTokens
            : share < _options.HardBelow ? _options.HardTargetTokens ?? _options.TargetTokens
            : _options.TargetTokens;
        return group with
        {
            Rollouts = [.. group.Rollouts.Select(rollout => IsCorrect(rollout) && rollout.TokenCount <= target
                ? rollout with { Outcome = rollout.Outcome + _options.Alpha }
                : rollout)],
        };
    }

    private bool IsCorrect(ScoredRollout rollout) => rollout.Outcome >= _options.CorrectAt;
}
