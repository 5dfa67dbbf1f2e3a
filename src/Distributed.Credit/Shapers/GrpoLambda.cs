namespace Distributed.Credit;

/// <summary>Options of <c>grpo-lambda</c>.</summary>
/// <param name="Alpha">Most a correct rollout can lose by its length, in [0, 1].</param>
/// <param name="Lambda">Least share of correct rollouts with which length is charged, in [0, 1].</param>
/// <param name="CorrectAt">A rollout is correct if its outcome is at least this.</param>
public sealed record GrpoLambdaOptions(double Alpha = 0.2, double Lambda = 0.75, double CorrectAt = 1);

/// <summary>
/// GRPO-lambda (2505.18086): length is charged only in groups whose share of correct rollouts is high; elsewhere the outcome stays as it
/// is, so that a
/// policy that still fails is not pushed to be short.
/// </summary>
/// <remarks>
/// The switch is the paper's; the form of the charge is ours: a correct rollout gets R - alpha * sigmoid((length - mean) / std), mean and
/// population deviation over the
/// group's correct rollouts; equal lengths cost alpha / 2 each, which the group's baseline takes out among them.
/// </remarks>
public sealed class GrpoLambda : IRewardShaper
{
    private readonly GrpoLambdaOptions _options;

    /// <summary>A shaper with these options.</summary>
    /// <exception cref="CreditException">An option is out of its range.</exception>
    public GrpoLambda(GrpoLambdaOptions options)
    {
        OptionRange.Between("grpo-lambda", "alpha", options.Alpha, 0, 1);
        OptionRange.Between("grpo-lambda", "lambda", options.Lambda, 0, 1);
        OptionRange.Finite("grpo-lambda", "correct_at", options.CorrectAt);
        _options = options;
    }

    /// <inheritdoc/>
    public string Name => "grpo-lambda";

    /// <inheritdoc/>
    public ScoredGroup Shape(ScoredGroup group)
    {
        ArgumentNullException.ThrowIfNull(group);
        var lengths = group.Rollouts.Where(IsCorrect).Select(rollout => (double)rollout.TokenCount).ToArray();
        if (lengths.Length == 0 || lengths.Length < _options.Lambda * group.Rollouts.Length) return group;
        var moments = Moments.Of(lengths);
        return group with { Rollouts = [.. group.Rollouts.Select(rollout => IsCorrect(rollout) ? Charge(rollout, moments) : rollout)] };
    }

    private ScoredRollout Charge(ScoredRollout rollout, Moments lengths)
    {
        var z = lengths.AllEqual ? 0 : (rollout.TokenCount - lengths.Mean) / lengths.PopulationStd;
        return rollout with { Outcome = rollout.Outcome - _options.Alpha / (1 + Math.Exp(-z)) };
    }

    private bool IsCorrect(ScoredRollout rollout) => rollout.Outcome >= _options.CorrectAt;
}
