using Distributed.Engine.Kernels;
using Distributed.Engine.Model;
using Distributed.Engine.Training;
using Distributed.Ports;

namespace Distributed.Engine.Scoring;

/// <summary>Log-probabilities and hidden states of the targets of whole sequences. A sequence's numbers do not depend on what else is asked for. One caller at a time.</summary>
internal sealed class SequenceScorer(PackedModel model, ComputePool pool) : IDisposable
{
    private readonly ForwardWorker?[] _workers = new ForwardWorker?[pool.Threads];

    public LogProbsReply LogProbs(IReadOnlyList<TrainSequence> sequences)
    {
        if (SequenceRows.Complaint(sequences, model.Config, model.ContextLength) is { } complaint)
            return new LogProbsReply([], new EngineError(complaint));
        var replies = new ReadOnlyMemory<float>[sequences.Count];
        return ForEachPass(sequences, (worker, first, end) => Pass(worker, sequences, first, end, replies)) is { } error
            ? new LogProbsReply([], new EngineError($"The log-probabilities could not be computed: {error}"))
            : new LogProbsReply(replies);
    }

    public HiddenStatesReply HiddenStates(IReadOnlyList<TrainSequence> sequences)
    {
        var width = model.Config.HiddenSize;
        if (SequenceRows.Complaint(sequences, model.Config, model.ContextLength) is { } complaint)
            return new HiddenStatesReply(width, [], new EngineError(complaint));
        var replies = new ReadOnlyMemory<float>[sequences.Count];
        return ForEachPass(sequences, (worker, first, end) => HiddenPass(worker, sequences, first, end, width, replies)) is { } error
            ? new HiddenStatesReply(width, [], new EngineError($"The hidden states could not be computed: {error}"))
            : new HiddenStatesReply(width, replies);
    }

    // Runs the passes on all threads; answers what went wrong, or null.
    private string? ForEachPass(IReadOnlyList<TrainSequence> sequences, Action<ForwardWorker, int, int> run)
    {
        var passes = PassBounds.Of(sequences.Count, i => SequenceRows.Of(sequences[i]), pool.Threads);
        var claimed = -1;
        try
        {
            pool.Run(thread =>
            {
                var worker = _workers[thread] ??= new ForwardWorker(model);
                for (int pass; (pass = Interlocked.Increment(ref claimed)) < passes.Length - 1;)
                    run(worker, passes[pass], passes[pass + 1]);
            });
            return null;
        }
        catch (Exception e)
        {
            return e.Message;
        }
    }

    public void Dispose()
    {
        foreach (var worker in _workers)
            worker?.Dispose();
    }

    private static unsafe void HiddenPass(
        ForwardWorker worker, IReadOnlyList<TrainSequence> sequences, int first, int end, int width, ReadOnlyMemory<float>[] replies)
    {
        worker.Plan.Clear();
        for (var i = first; i < end; i++)
            if (SequenceRows.Of(sequences[i]) > 0)
                SequenceRows.Add(worker.Plan, sequences[i]);
        if (worker.Plan.Rows > 0)
        {
            worker.Plan.Seal();
            worker.RunToHidden();
        }

        long at = 0;
        for (var i = first; i < end; i++)
        {
            var length = sequences[i].Targets.Length * width;
            replies[i] = length == 0 ? default : new ReadOnlySpan<float>(worker.Activations.Final + at, length).ToArray();
            at += length;
        }
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
