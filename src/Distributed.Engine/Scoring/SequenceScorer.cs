using Distributed.Engine.Kernels;
using Distributed.Engine.Model;
using Distributed.Engine.Training;
using Distributed.Ports;

namespace Distributed.Engine.Scoring;

/// <summary>Log-probabilities of the targets of whole sequences. A sequence's numbers do not depend on what else is asked for. One caller at a time.</summary>
internal sealed class SequenceScorer(PackedModel model, ComputePool pool) : IDisposable
{
    private readonly ForwardWorker?[] _workers = new ForwardWorker?[pool.Threads];

    public LogProbsReply LogProbs(IReadOnlyList<TrainSequence> sequences)
    {
        if (SequenceRows.Complaint(sequences, model.Config, model.ContextLength) is { } complaint)
            return new LogProbsReply([], new EngineError(complaint));
        var replies = new ReadOnlyMemory<float>[sequences.Count];
        var passes = PassBounds.Of(sequences.Count, i => SequenceRows.Of(sequences[i]), pool.Threads);
        var claimed = -1;
        try
        {
            pool.Run(thread =>
            {
                var worker = _workers[thread] ??= new ForwardWorker(model);
                for (int pass; (pass = Interlocked.Increment(ref claimed)) < passes.Length - 1;)
                    Pass(worker, sequences, passes[pass], passes[pass + 1], replies);
            });
        }
        catch (Exception e)
        {
            return new LogProbsReply([], new EngineError($"The log-probabilities could not be computed: {e.Message}"));
        }

        return new LogProbsReply(replies);
    }

    public void Dispose()
    {
        foreach (var worker in _workers)
            worker?.Dispose();
    }

    private static void Pass(ForwardWorker worker, IReadOnlyList<TrainSequence> sequences, int first, int end, ReadOnlyMemory<float>[] replies)
    {
        worker.Plan.Clear();
        worker.Targets.Clear();
        for (var i = first; i < end; i++)
        {
            if (SequenceRows.Of(sequences[i]) == 0)
                continue;
            SequenceRows.Add(worker.Plan, sequences[i]);
            foreach (var target in sequences[i].Targets.Span)
                worker.Targets.Add(new RowTarget(worker.Targets.Count, sequences[i].Tokens.Span[target]));
        }

        if (worker.Targets.Count > 0)
        {
            worker.Plan.Seal();
            worker.Run();
        }

        var at = 0;
        for (var i = first; i < end; i++)
        {
            var length = sequences[i].Targets.Length;
            replies[i] = worker.LogProbs.AsSpan(at, length).ToArray();
            at += length;
        }
    }
}
