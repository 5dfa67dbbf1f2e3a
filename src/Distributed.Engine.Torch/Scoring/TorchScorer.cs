using System.Runtime.InteropServices;
using Distributed.Engine.Scoring;
using Distributed.Engine.Torch.Hosting;
using Distributed.Engine.Torch.Model;
using Distributed.Engine.Torch.Training;
using Distributed.Engine.Training;
using Distributed.Ports;
using static TorchSharp.torch;

namespace Distributed.Engine.Torch.Scoring;

/// <summary>Forward passes without gradients: scores of branches, log-probabilities and hidden states.</summary>
/// <param name="model">The model; not owned.</param>
/// <param name="limit">Most tokens of a pass.</param>
internal sealed class TorchScorer(TorchModel model, PassLimit limit)
{
    /// <summary>Forward passes made so far.</summary>
    public long PassCount { get; private set; }

    /// <summary>Answers each request; a request that is wrong fails alone.</summary>
    public ScoreReply[] Score(IReadOnlyList<ScoreRequest> requests, long version)
    {
        var replies = new ScoreReply[requests.Count];
        var sums = requests.Select(request => new double[request.Branches.Count]).ToArray();
        for (var i = 0; i < requests.Count; i++)
        {
            if (BranchCheck.Complaint(requests[i], model.Config.VocabularySize, model.ContextLength) is { } complaint)
                replies[i] = new ScoreReply(default, version, new EngineError(complaint));
        }

        var slots = new List<(int Request, int Branch)>();
        var error = ForEachPass(
            requests.Count,
            index => replies[index] is null && requests[index].Branches.Count > 0 ? BranchPass.RowsOf(requests[index]) : 0,
            (pass, index) => BranchRows.Add(pass, requests[index], branch => slots.Add((index, branch))),
            slots.Clear,
            (hidden, targets, _) =>
            {
                var (logProbs, _) = model.Head.Forward(hidden, targets);
                for (var t = 0; t < slots.Count; t++)
                    sums[slots[t].Request][slots[t].Branch] += logProbs[t];
            });
        for (var i = 0; i < replies.Length; i++)
        {
            replies[i] ??= error is not null ? new ScoreReply(default, version, new EngineError($"The scores could not be computed: {error}"))
                : new ScoreReply(sums[i].Select((sum, branch) => sum / requests[i].Branches[branch].SpanLength).ToArray(), version);
        }

        return replies;
    }

    public LogProbsReply LogProbs(IReadOnlyList<TrainSequence> sequences)
    {
        if (SequenceRows.Complaint(sequences, model.Config, model.ContextLength) is { } complaint)
            return new LogProbsReply([], new EngineError(complaint));
        var replies = new ReadOnlyMemory<float>[sequences.Count];
        var error = ForEachSequencePass(sequences, (hidden, targets, members) =>
        {
            var (logProbs, _) = model.Head.Forward(hidden, targets);
            var at = 0;
            foreach (var member in members)
            {
                replies[member] = logProbs.AsSpan(at, sequences[member].Targets.Length).ToArray();
                at += sequences[member].Targets.Length;
            }
        });
        return error is null ? new LogProbsReply(replies) : new LogProbsReply([], new EngineError($"The log-probabilities could not be computed: {error}"));
    }

    public HiddenStatesReply HiddenStates(IReadOnlyList<TrainSequence> sequences)
    {
        var width = model.Config.HiddenSize;
        if (SequenceRows.Complaint(sequences, model.Config, model.ContextLength) is { } complaint)
            return new HiddenStatesReply(width, [], new EngineError(complaint));
        var replies = new ReadOnlyMemory<float>[sequences.Count];
        var error = ForEachSequencePass(sequences, (hidden, _, members) =>
        {
            var states = MemoryMarshal.Cast<byte, float>(hidden.to(ScalarType.Float32).cpu().contiguous().bytes);
            var at = 0;
            foreach (var member in members)
            {
                var length = sequences[member].Targets.Length * width;
                replies[member] = states.Slice(at, length).ToArray();
                at += length;
            }
        });
        return error is null ? new HiddenStatesReply(width, replies) : new HiddenStatesReply(width, [], new EngineError($"The hidden states could not be computed: {error}"));
    }

    private string? ForEachSequencePass(IReadOnlyList<TrainSequence> sequences, Action<Tensor, Tensor, IReadOnlyList<int>> read) =>
        ForEachPass(sequences.Count, index => SequenceRows.Of(sequences[index]), (pass, index) => pass.Add(sequences[index]), static () => { }, read);

    // A pass that does not fit is cut in smaller ones; those before it stay done. Answers what went wrong, or null.
    private string? ForEachPass(
        int count, Func<int, int> rowsOf, Action<PackedPass, int> add, Action begin, Action<Tensor, Tensor, IReadOnlyList<int>> read)
    {
        using var quiet = no_grad();
        var left = Enumerable.Range(0, count).Where(index => rowsOf(index) > 0).ToList();
        while (left.Count > 0)
        {
            PackedPass? tried = null;
            try
            {
                begin();
                foreach (var (pass, members) in Passes.Of(left.Count, index => rowsOf(left[index]), (pass, index) => add(pass, left[index]), limit.Most).Take(1))
                {
                    tried = pass;
                    int[] indices = [.. members.Select(member => left[member])];
                    Run(pass, (hidden, targets) => read(hidden, targets, indices));
                    left.RemoveAll(indices.Contains);
                }
            }
            catch (Exception error) when (PassLimit.IsOutOfMemory(error))
            {
                GC.Collect();
                var longest = left.Max(rowsOf);
                if (!limit.Halve(tried?.Rows ?? longest, longest))
                    return $"the device's memory does not hold {longest} tokens at once; use shorter sequences or a device with more";
            }
        }

        return null;
    }

    private void Run(PackedPass pass, Action<Tensor, Tensor> read)
    {
        limit.Before?.Invoke(pass.Rows);
        using var scope = NewDisposeScope();
        using var attention = new PackedAttention(pass, model.Device);
        var hidden = model.Decoder.Forward(pass.Tokens(model.Device), pass.Positions(model.Device), attention, pass.TargetRows(model.Device));
        read(hidden, pass.TargetTokens(model.Device));
        PassCount++;
    }
}
