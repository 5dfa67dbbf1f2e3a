using Distributed.Actors.Ports;
using Distributed.Node.Runs;
using Distributed.Ports;
using Distributed.Protocol;

namespace Distributed.Node.Composition;

/// <summary>Credited rollouts as people read them.</summary>
internal static class TrajectoryText
{
    /// <summary>The record of a rollout that <paramref name="step"/> trained on.</summary>
    public static TrajectoryRecord Describe(long step, CreditedRollout rollout, ITokenizer tokenizer)
    {
        var trajectory = rollout.Trajectory;
        var turns = new TrajectoryTurn[trajectory.Turns.Length];
        for (var turn = 0; turn < turns.Length; turn++)
        {
            var record = trajectory.Turns[turn];
            turns[turn] = new TrajectoryTurn(
                tokenizer.Decode(record.Tokens),
                record.ObservationTokens.Length == 0 ? null : tokenizer.Decode(record.ObservationTokens),
                record.Tokens.Length,
                rollout.InformationGain[turn],
                rollout.Advantage[turn],
                rollout.ClipScale[turn],
                record.ToolError) { ProcessReward = turn < rollout.ProcessReward.Count ? rollout.ProcessReward[turn] : null };
        }

        return new TrajectoryRecord(
            checked((int)step),
            trajectory.Slot.Group,
            trajectory.Slot.Sample,
            trajectory.ProblemId,
            trajectory.Category,
            tokenizer.Decode(trajectory.PromptTokens),
            trajectory.GoldenAnswers,
            Outcome(trajectory.End),
            trajectory.Reward,
            trajectory.OldestVersion.Value,
            turns);
    }

    private static string Outcome(EpisodeEnd end) => end switch
    {
        EpisodeEnd.Correct => "correct",
        EpisodeEnd.Wrong => "wrong",
        EpisodeEnd.Malformed => "malformed",
        EpisodeEnd.TurnsExhausted => "turns_exhausted",
        EpisodeEnd.Truncated => "truncated",
        _ => throw new ArgumentOutOfRangeException(nameof(end), end, null),
    };
}
