using Distributed.Actors.Coordination;
using Distributed.Credit;
using Distributed.Ports;

namespace Distributed.Actors.Learning;

/// <summary>
/// A batch as the process reward model is trained on and asked about it: pure. The preference loss of a pair depends on both rollouts, but its
/// slope is the same for every token of a rollout, so that one pass for the log-ratios and one with those slopes as the loss make the exact gradient.
/// </summary>
public sealed class PreferenceBatch
{
    private readonly double _beta;
    private readonly int[] _groupSizes;
    private readonly double[] _outcomes;
    private readonly SampledSequence[] _sampled;
    private readonly int[] _turns;

    /// <summary>A batch; its rollouts without sampled tokens are in no pair and have no reward.</summary>
    public PreferenceBatch(TrainBatch batch, double beta)
    {
        _beta = beta;
        var groups = batch.Groups.Where(group => group.Rollouts.Count > 0).ToArray();
        var trajectories = groups.SelectMany(group => group.Rollouts).Select(rollout => rollout.Trajectory).ToArray();
        _groupSizes = [.. groups.Select(group => group.Rollouts.Count)];
        _outcomes = [.. trajectories.Select(trajectory => trajectory.Reward)];
        _sampled = [.. trajectories.Select(SampledSequence.Of)];
        _turns = [.. trajectories.Select(trajectory => trajectory.Turns.Length)];
        Asked = [.. Enumerable.Range(0, _sampled.Length).Where(index => _sampled[index].TurnIds.Length > 0)];
    }

    /// <summary>The rollouts with sampled tokens, by their place in the batch.</summary>
    public IReadOnlyList<int> Asked { get; }

    /// <summary>Their sequences, to be asked the model's log-probabilities of.</summary>
    public IReadOnlyList<TrainSequence> Sequences => [.. Asked.Select(index => _sampled[index].Sequence)];

    /// <summary>The loss under the model's log-probabilities of <see cref="Sequences"/>.</summary>
    public PreferenceStep Loss(IReadOnlyList<ReadOnlyMemory<float>> logProbs)
    {
        var ratios = new double?[_sampled.Length];
        for (var i = 0; i < Asked.Count; i++) ratios[Asked[i]] = ImplicitReward.LogRatio(logProbs[i].Span, _sampled[Asked[i]].ModelLogProbs);
        var groups = new List<PreferenceGroup>();
        foreach (var members in Members())
            groups.Add(new PreferenceGroup(members.Select(index => _outcomes[index]).ToArray(), members.Select(index => ratios[index]!.Value).ToArray()));
        return PreferenceLoss.Of(groups, _beta);
    }

    /// <summary>An optimizer step down the slopes; null if no pair has any.</summary>
    public TrainRequest? Step(PreferenceStep loss, OptimizerOptions optimizer)
    {
        var slopes = new Dictionary<int, double>();
        foreach (var (members, bySlope) in Members().Zip(loss.Slopes))
        {
            for (var i = 0; i < members.Length; i++)
            {
                if (bySlope[i] != 0) slopes.Add(members[i], bySlope[i]);
            }
        }

        if (slopes.Count == 0) return null;
        int[] rows = [.. slopes.Keys.Order()];
        return new TrainRequest([.. rows.Select(index => _sampled[index].Sequence)], new SlopeLoss([.. rows.Select(index => slopes[index])]), optimizer);
    }

    /// <summary>The rewards under the model's log-probabilities of <see cref="Sequences"/>.</summary>
    /// <param name="logProbs">After what was learnt.</param>
    /// <param name="learnt">What was learnt.</param>
    public ProcessRewards Rewards(IReadOnlyList<ReadOnlyMemory<float>> logProbs, PreferenceStep learnt)
    {
        var byTurn = new double[]?[_sampled.Length];
        for (var i = 0; i < Asked.Count; i++)
        {
            var sampled = _sampled[Asked[i]];
            byTurn[Asked[i]] = ImplicitReward.ByTurn(logProbs[i].Span, sampled.ModelLogProbs, sampled.TurnIds, _turns[Asked[i]], _beta);
        }

        return new ProcessRewards(byTurn, learnt);
    }

    private IEnumerable<int[]> Members()
    {
        var at = 0;
        foreach (var size in _groupSizes)
        {
            yield return [.. Enumerable.Range(at, size).Where(index => _sampled[index].TurnIds.Length > 0)];
            at += size;
        }
    }

    private sealed class SlopeLoss(double[] slopes) : ISequenceLoss
    {
        public double Evaluate(int sequence, ReadOnlySpan<float> logProbs, Span<float> gradient)
        {
            var sum = 0.0;
            foreach (var value in logProbs) sum += value;
            gradient.Fill((float)slopes[sequence]);
            return slopes[sequence] * sum;
        }
    }
}
