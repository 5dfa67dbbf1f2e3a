using Distributed.Actors.Coordination;
using Distributed.Actors.Scoring;
using Distributed.Protocol;
using Distributed.Simulation.Runs;
using Distributed.Simulation.World;

namespace Distributed.Simulation.Invariants;

/// <summary>
/// The versions of the policy that count: one state of weights and optimizer for every version, of the newest life and what it was resumed from. Every sampled token and every score
/// that reaches the learner must come out of a state that counts, to the bit; a resumed learner must have exactly the state it left.
/// </summary>
public sealed class Lineage(RunJournal journal, TrainingShape shape, ScoreJobBuilder jobs)
{
    private readonly SortedDictionary<long, State> _states = [];

    private sealed record State(ulong Weights, ulong Moments, long OptimizerStep);

    /// <summary>A life begins at a version: what came after it in an earlier life does not count any more.</summary>
    public void Begin(PolicyVersion version)
    {
        foreach (var later in _states.Keys.Where(known => known > version.Value).ToArray()) _states.Remove(later);
    }

    /// <summary>The learner offers a version.</summary>
    public void Offer(LearnerEpoch epoch, PolicyVersion version, ReadOnlyMemory<byte> bytes, SimulatedEngine engine)
    {
        var state = new State(HashPolicy.FromBytes(bytes.Span), engine.Moments, engine.OptimizerStep);
        journal.Trace("offer", state.Weights);
        if (version.Value == 0 && state.Weights != HashPolicy.Initial) journal.Violate("resume", $"version 0 of epoch {epoch.Value} is not what the run began with");
        if (!_states.TryAdd(version.Value, state) && _states[version.Value] != state)
            journal.Violate("resume", $"epoch {epoch.Value} goes on at version {version.Value} with weights {HashPolicy.Name(state.Weights)} and optimizer step {state.OptimizerStep}, "
                + $"which had weights {HashPolicy.Name(_states[version.Value].Weights)} and optimizer step {_states[version.Value].OptimizerStep}");
    }

    /// <summary>The learner gets a batch.</summary>
    public void Check(TrainBatch batch)
    {
        foreach (var rollout in batch.Groups.SelectMany(group => group.Rollouts))
        {
            var wrong = WrongSample(rollout.Trajectory);
            if (wrong != null) journal.Violate("sampled by a known version", $"rollout {rollout.Trajectory.Slot} {wrong}");
            else if (rollout.Scores is { } scores && WrongScore(rollout.Trajectory, scores) is { } score) journal.Violate("scored by a known version", $"rollout {rollout.Trajectory.Slot} {score}");
        }
    }

    private string? WrongSample(Trajectory trajectory)
    {
        var seed = Seeds.Derive(shape.TrainingSeed, "rollout", trajectory.Slot.Group, trajectory.Slot.Sample);
        var context = new List<int>(trajectory.PromptTokens);
        for (var turn = 0; turn < trajectory.Turns.Length; turn++)
        {
            var record = trajectory.Turns[turn];
            var index = 0;
            foreach (var run in record.SampledBy ?? [new SampledRun(record.Version, record.Tokens.Length)])
            {
                if (!_states.TryGetValue(run.Version.Value, out var state)) return $"was sampled by version {run.Version.Value}, which this life does not know";
                var turnState = HashPolicy.TurnState(state.Weights, context, greedy: false, Seeds.Derive(seed, "turn", turn));
                var text = HashPolicy.Turn(turnState).Text;
                for (var token = 0; token < run.Tokens; token++, index++)
                {
                    if (index >= text.Length || record.Tokens[index] != text[index] || record.LogProbs[index] != HashPolicy.LogProb(turnState, index))
                        return $"has a token {index} of turn {turn} that version {run.Version.Value} did not sample there";
                }
            }

            context.AddRange(record.Tokens);
            context.AddRange(record.ObservationTokens);
        }

        return null;
    }

    private string? WrongScore(Trajectory trajectory, TurnScores scores)
    {
        if (!_states.TryGetValue(scores.ScoredBy.Value, out var state)) return $"was scored by version {scores.ScoredBy.Value}, which this life does not know";
        var job = jobs.Build(trajectory);
        for (var boundary = 0; boundary < job.Boundaries.Length; boundary++)
        {
            for (var answer = 0; answer < job.Answers.Length; answer++)
            {
                var given = scores.AnswerLogProbs[boundary][answer];
                var wrapped = job.Answers[answer];
                if (!double.IsNaN(given) && given != HashPolicy.Score(state.Weights, job.Tokens.Take(job.Boundaries[boundary]), wrapped.Tokens, wrapped.SpanStart, wrapped.SpanLength))
                    return $"has a score at boundary {boundary} that version {scores.ScoredBy.Value} did not give";
            }
        }

        return null;
    }
}
