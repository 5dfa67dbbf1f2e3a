using Distributed.Actors.Coordination;
using Distributed.Ports;
using Distributed.Protocol;

namespace Distributed.Actors.Learning;

/// <summary>
/// What the progress head reads: the policy's hidden state after every turn, the turn's tool reply included (as information gain has it).
/// </summary>
/// <param name="Sequence">What to ask the engine for; the token after the last one is a stand-in, so that the last state can be asked
/// for.</param>
/// <param name="StateOfTurn">Which of the answered states is each turn's.</param>
public sealed record ProgressStates(TrainSequence Sequence, IReadOnlyList<int> StateOfTurn)
{
    /// <summary>The request of a trajectory. A turn that added nothing, or whose end the context cannot hold, has the state before it.</summary>
    /// <param name="trajectory">The trajectory.</param>
    /// <param name="contextLength">Most tokens of a sequence.</param>
    public static ProgressStates Of(Trajectory trajectory, int contextLength)
    {
        var tokens = new List<int>(trajectory.PromptTokens);
        var targets = new List<int>();
        var states = new List<int>();
        foreach (var turn in trajectory.Turns)
        {
            tokens.AddRange(turn.Tokens);
            tokens.AddRange(turn.ObservationTokens);
            if (tokens.Count < contextLength && (targets.Count == 0 || targets[^1] < tokens.Count)) targets.Add(tokens.Count);
            states.Add(Math.Max(0, targets.Count - 1));
        }

        if (targets.Count == 0) targets.Add(Math.Max(1, contextLength - 1));
        int[] kept = [.. tokens.Take(targets[^1]), 0];
        return new ProgressStates(new TrainSequence(kept, targets.ToArray()), states);
    }

    /// <summary>The requests of a batch's rollouts, in the batch's order.</summary>
    public static IReadOnlyList<ProgressStates> Of(TrainBatch batch, int contextLength) =>
        [.. batch.Groups.SelectMany(group => group.Rollouts).Select(rollout => Of(rollout.Trajectory, contextLength))];

    /// <summary>The states by turn: [turns * width].</summary>
    public ReadOnlyMemory<float> ByTurn(ReadOnlyMemory<float> states, int width)
    {
        var byTurn = new float[StateOfTurn.Count * width];
        for (var turn = 0; turn < StateOfTurn.Count; turn++)
            states.Slice(StateOfTurn[turn] * width, width).CopyTo(byTurn.AsMemory(turn * width));
        return byTurn;
    }
}
