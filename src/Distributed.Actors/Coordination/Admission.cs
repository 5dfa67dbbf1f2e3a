using Distributed.Protocol;

namespace Distributed.Actors.Coordination;

/// <summary>
/// How much work may be under way: accepted + running &lt;= (max_staleness_steps + version + 1) * batch, the formula of AReaL's and SkyRL's
/// asynchronous trainers. With staleness 0 exactly one batch is open at a time, which is synchronous training.
/// </summary>
public static class Admission
{
    /// <summary>How many groups may have been planned since the run began, when the policy stands at a version.</summary>
    public static long PlannedGroupsMax(CoordinatorOptions options, PolicyVersion version)
    {
        var ahead = checked((options.MaxStalenessSteps + version.Value + 1) * options.PromptsPerStep);
        return Math.Min(ahead, checked(options.Steps * options.PromptsPerStep));
    }

    /// <summary>Whether a sample may still be trained on when the policy stands at <paramref name="trained"/>.</summary>
    public static bool IsFresh(CoordinatorOptions options, PolicyVersion sampled, PolicyVersion trained) =>
        sampled.Value >= trained.Value - options.MaxStalenessSteps;

    /// <summary>
    /// Whether a sample of a group, made now at <paramref name="sampled"/>, will be fresh enough when the group's turn to be trained comes in order.
    /// The standing version always is, because of <see cref="PlannedGroupsMax"/>; a worker that lags may serve the earlier groups only.
    /// </summary>
    public static bool WillBeFresh(CoordinatorOptions options, PolicyVersion sampled, PolicyVersion standing, long group) =>
        sampled.Value >= Math.Max(standing.Value, group / options.PromptsPerStep) - options.MaxStalenessSteps;

    /// <summary>
    /// The problem of the group at a place in training order: epoch after epoch, each a permutation of all problems.
    /// Endless splits are taken in order.
    /// </summary>
    public static long ProblemIndex(CoordinatorOptions options, long group)
    {
        if (options.TrainProblems == long.MaxValue) return group;
        var epoch = group / options.TrainProblems;
        return Permutation.At(group % options.TrainProblems, options.TrainProblems, Seeds.Derive(options.Seed, "problem-order", epoch));
    }
}
