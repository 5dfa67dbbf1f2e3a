using Distributed.Protocol;

namespace Distributed.Actors.Coordination;

/// <summary>
/// What an answer must be before it enters the ledger: everything the learner relies on later, so that a broken worker costs an attempt of one
/// slot and never a life of the learner. Shapes that the wire codec has checked already are not checked again.
/// </summary>
public static class Answers
{
    /// <summary>What is wrong with an episode while <paramref name="standing"/> is the newest version, or null.</summary>
    public static string? Fault(Trajectory trajectory, PolicyVersion standing)
    {
        if (!double.IsFinite(trajectory.Reward)) return $"rollout {trajectory.Slot} has reward {trajectory.Reward}";
        if (trajectory.Turns.Length == 0) return $"rollout {trajectory.Slot} has no turns";
        foreach (var turn in trajectory.Turns)
        {
            if (turn.OldestVersion.Value < 0 || turn.Version.Value > standing.Value || (turn.SampledBy?.Any(run => run.Version.Value > standing.Value) ?? false))
                return $"rollout {trajectory.Slot} was sampled by version {turn.Version.Value} while {standing.Value} is the newest";
            if (turn.LogProbs.Length != turn.Tokens.Length) return $"rollout {trajectory.Slot} has {turn.LogProbs.Length} log-probabilities for {turn.Tokens.Length} tokens";
            if (turn.PolicyLogProbs.Length != turn.Tokens.Length) return $"rollout {trajectory.Slot} has {turn.PolicyLogProbs.Length} log-probabilities of the model for {turn.Tokens.Length} tokens";
            if (!AreFinite(turn.LogProbs) || (turn.ModelLogProbs is { } own && !AreFinite(own))) return $"rollout {trajectory.Slot} has a log-probability that is not finite";
        }

        return trajectory.Turns.All(turn => turn.Tokens.Length == 0) ? $"rollout {trajectory.Slot} has no sampled token" : null;
    }

    // A loop of its own: every token of every answer comes through here.
    private static bool AreFinite(ReadOnlySpan<float> values)
    {
        foreach (var value in values)
            if (!float.IsFinite(value)) return false;
        return true;
    }

    /// <summary>What is wrong with the scores of an episode, or null. Values that are not finite are allowed: the rollout then has no gain.</summary>
    public static string? Fault(TurnScores scores, Trajectory trajectory)
    {
        if (scores.AnswerLogProbs.Length != trajectory.Turns.Length)
            return $"rollout {trajectory.Slot} is scored at {scores.AnswerLogProbs.Length} boundaries and has {trajectory.Turns.Length} turns";
        return scores.AnswerLogProbs.Any(boundary => boundary.Length != scores.AnswerLogProbs[0].Length)
            ? $"rollout {trajectory.Slot} is scored for different numbers of answers"
            : null;
    }
}
