using Distributed.Actors.Ports;
using Distributed.Protocol;

namespace Distributed.Actors.Coordination;

/// <summary>Held-out episodes to success by category.</summary>
public static class Evaluations
{
    /// <summary>Category of questions whose episodes were given up.</summary>
    public const string GivenUp = "given up";

    /// <summary>Counts right answers by category, categories in ordinal order.</summary>
    public static EvaluationFinished Summarise(Effect.Evaluated evaluated)
    {
        var categories = evaluated.Trajectories
            .GroupBy(trajectory => trajectory.Category, StringComparer.Ordinal)
            .OrderBy(group => group.Key, StringComparer.Ordinal)
            .Select(group => new CategorySuccess(group.Key, group.Count(trajectory => trajectory.End == EpisodeEnd.Correct), group.Count()))
            .ToList();
        if (evaluated.GivenUp > 0) categories.Add(new CategorySuccess(GivenUp, 0, evaluated.GivenUp));
        return new EvaluationFinished(evaluated.Version, categories);
    }
}
