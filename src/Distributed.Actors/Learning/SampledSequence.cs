using Distributed.Ports;
using Distributed.Protocol;

namespace Distributed.Actors.Learning;

/// <summary>A trajectory's sampled tokens as the targets of one sequence, with what was recorded of each while sampling.</summary>
/// <param name="Sequence">Tokens and targets; what comes after the last sampled token is left out, nothing needs it.</param>
/// <param name="TurnIds">Turn (from 0) of every target.</param>
/// <param name="RolloutLogProbs">Of every target under the distribution it was drawn from.</param>
/// <param name="ModelLogProbs">Of every target under the full softmax at temperature 1 of the weights that sampled it.</param>
public sealed record SampledSequence(TrainSequence Sequence, int[] TurnIds, float[] RolloutLogProbs, float[] ModelLogProbs)
{
    /// <summary>Those of a trajectory.</summary>
    public static SampledSequence Of(Trajectory trajectory)
    {
        var tokens = new List<int>(trajectory.TokenCount);
        var targets = new List<int>();
        var turnIds = new List<int>();
        var logProbs = new List<float>();
        var modelLogProbs = new List<float>();
        tokens.AddRange(trajectory.PromptTokens);
        for (var turn = 0; turn < trajectory.Turns.Length; turn++)
        {
            var record = trajectory.Turns[turn];
            for (var index = 0; index < record.Tokens.Length; index++)
            {
                targets.Add(tokens.Count + index);
                turnIds.Add(turn);
                logProbs.Add(record.LogProbs[index]);
                modelLogProbs.Add(record.PolicyLogProbs[index]);
            }

            tokens.AddRange(record.Tokens);
            tokens.AddRange(record.ObservationTokens);
        }

        var length = targets.Count == 0 ? tokens.Count : targets[^1] + 1;
        return new SampledSequence(new TrainSequence(tokens.Take(length).ToArray(), targets.ToArray()), [.. turnIds], [.. logProbs], [.. modelLogProbs]);
    }
}
